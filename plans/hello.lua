-- The shortest useful plan: say hello 200 times from 10 virtual users, and be content if 99 % take less than 50 ms.
local lgen = require "lgen"

lgen.plan { api = 1, name = "hello", about = "Unary calls of hello.Hello/SayHello." }

local api = lgen.proto { files = { "hello.proto" } }
local ch = lgen.grpc.channel("main", lgen.target)
local SayHello = api:method "hello.Hello/SayHello"

lgen.scenario("hello", {
  load = lgen.load.shared_iterations { vus = 10, iterations = 200 },
  run = function(vu)
    lgen.check("replied", ch:call(SayHello, { name = "vu" .. vu.id }, { timeout = 1 }))
  end,
})

lgen.threshold("grpc_call_duration_seconds", "p(99) < 0.05")
