-- Calls at full speed for as long as asked: the plan of `./dev soak`.
local lgen = require "lgen"

lgen.plan { api = 1, name = "soak", about = "Unary calls at full speed; does the generator's memory stay flat?" }

local opt = lgen.options {
  { "length", "duration", default = "10m", help = "how long" },
}

local api = lgen.proto { files = { "hello.proto" } }
local pool = lgen.grpc.pool("main", lgen.target, { size = 4 })
local SayHello = api:method "hello.Hello/SayHello"

lgen.scenario("soak", {
  load = lgen.load.constant_vus { vus = 64, duration = opt.length },
  run = function(vu) assert(pool:call(SayHello, { name = "vu" .. vu.id }, { timeout = 10 })) end,
})
