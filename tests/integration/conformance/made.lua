-- Makes two connections, one after the other, and says in events what the channel has told of each.
local lgen = require "lgen"

lgen.plan { api = 1, name = "made", about = "How long connections took to make." }

local ch = lgen.grpc.channel("main", lgen.target)

local function tell_of(count)
  for ev in ch:events() do
    if ev.state == "READY" then
      local timing = ev.timing or {}
      lgen.event("made", {
        connection = ev.connection, told = ev.timing ~= nil, dns = timing.dns or 0, connect = timing.connect or 0,
        tls = timing.tls or 0, settings = timing.settings or 0, total = timing.total or 0,
      })
      count = count - 1
      if count == 0 then return end
    else
      assert(not ev.timing)
    end
  end
end

lgen.scenario("made", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1, max_duration = "60s" },
  run = function()
    local telling = lgen.spawn(tell_of, 2)
    for _ = 1, 2 do
      ch:reconnect()
      assert(ch:wait_ready(20))
    end
    telling:join()
  end,
})
