-- One call with everything in its headers.
local lgen = require "lgen"

lgen.plan { api = 1, name = "headers", about = "What a server is told of a call." }

local ch = lgen.grpc.channel("main", lgen.target, { user_agent = "probe/7", metadata = { ["x-text"] = "a word" } })

lgen.scenario("headers", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1 },
  run = function()
    assert(ch:call("/scripted/listen", "ping", { timeout = 20, metadata = { ["x-some-bin"] = "\0\255" } }))
  end,
})
