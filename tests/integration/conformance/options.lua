-- A channel with the options that --channel returns.
local lgen = require "lgen"

lgen.plan { api = 1, name = "options", about = "Which options a transport takes." }

local opt = lgen.options { { "channel", "string", default = "return {}", help = "Lua code that returns the options" } }
local ch = lgen.grpc.channel("main", lgen.target, assert(loadstring(opt.channel))())

lgen.scenario("options", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1 },
  run = function() ch:call("/no/method", "", { timeout = 1 }) end,
})
