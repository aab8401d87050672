-- Requests that are larger than what the server lets in at a time: two calls and two streams side by side.
local lgen = require "lgen"

lgen.plan { api = 1, name = "windows", about = "Requests in small pieces." }

local opt = lgen.options { { "size", "size", default = "200KB", help = "of a request" } }
local ch = lgen.grpc.channel("main", lgen.target)
local load = lgen.load.per_vu_iterations { vus = 2, iterations = 1, max_duration = "60s" }

lgen.scenario("calls", {
  load = load,
  run = function() assert(ch:call("/scripted/take", ("x"):rep(opt.size), { timeout = 30 })) end,
})

lgen.scenario("streams", {
  load = load,
  run = function()
    local s = ch:open("/scripted/take", { timeout = 30 })
    s:send(("x"):rep(opt.size))
    assert(s:close(30))
  end,
})
