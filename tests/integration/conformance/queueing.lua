-- More calls and streams at once on one connection than the server lets in. All are asked for in one turn, so that but for
-- those that find a place everybody waits.
local lgen = require "lgen"

lgen.plan { api = 1, name = "queueing", about = "Calls that wait for a stream." }

local opt = lgen.options { { "calls", "int", default = 20, min = 1, help = "calls, and as many streams, at once" } }

local ch = lgen.grpc.channel("main", lgen.target)

local function call()
  local reply, err = ch:call("/scripted/gate", "ping", { timeout = 30 })
  lgen.check("each call has its turn", reply == "pong", err)
end

local function stream()
  local s = ch:open("/scripted/gate", { timeout = 30 })
  s:send "ping"
  s:half_close()
  local reply, err = s:recv()
  lgen.check("each stream has its turn", reply == "pong", err)
  lgen.check("and ends well", s:close(30) == nil and s:status().code == "OK", s:status())
end

lgen.scenario("queueing", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1, max_duration = "60s" },
  run = function()
    local tasks = {}
    for _, run in ipairs { call, stream } do
      for _ = 1, opt.calls do tasks[#tasks + 1] = lgen.spawn(run) end
    end
    lgen.all(tasks)
  end,
})
