-- Unary calls as fast as they go: every call an iteration, its table encoded, its reply decoded and looked at.
local lgen = require "lgen"

lgen.plan { api = 1, name = "bench_unary" }

local opt = lgen.options {
  { "channels", "int", default = 4, help = "connections" },
  { "in-flight", "int", default = 64, help = "calls at a time" },
  { "pick", "string", default = "round_robin", help = "which of them a call goes to; by_vu: the VU's own" },
  { "calls", "int", default = 100000, help = "calls in all" },
}

local api = lgen.proto { files = { "hello.proto" } }
local SayHello = api:method "hello.Hello/SayHello"
local pool = lgen.grpc.pool("main", lgen.target, { size = opt.channels, pick = opt.pick })

lgen.scenario("unary", {
  load = lgen.load.shared_iterations { vus = opt.in_flight, iterations = opt.calls, max_duration = "1h" },
  run = function(vu)
    local reply = assert(pool:call(SayHello, { name = "vu" .. vu.id }, { timeout = 10 }))
    if reply.name == "" then error "an empty reply" end
  end,
})
