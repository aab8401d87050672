-- Unary calls at their own times, as one writes them who wants to know how long a call takes at this rate.
local lgen = require "lgen"

lgen.plan { api = 1, name = "bench_open_model" }

local api = lgen.proto { files = { "hello.proto" } }
local SayHello = api:method "hello.Hello/SayHello"
local pool = lgen.grpc.pool("main", lgen.target, { size = 4 })

lgen.scenario("open", {
  load = lgen.load.constant_rate { rate = 10000, duration = "30s", max_vus = 1000 },
  run = function(vu)
    local reply = assert(pool:call(SayHello, { name = "vu" .. vu.id }, { timeout = 10 }))
    if reply.name == "" then error "an empty reply" end
  end,
})
