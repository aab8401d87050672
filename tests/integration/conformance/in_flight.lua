-- Calls and streams that are under way when something happens to the server: says on standard error once all are, and
-- in an event how each ended.
local lgen = require "lgen"

lgen.plan { api = 1, name = "in_flight", about = "What becomes of calls when their server goes." }

local opt = lgen.options {
  { "calls", "int", default = 5, min = 1, help = "unary calls, and as many streams, on each channel" },
  { "delay", "duration", default = "600s", help = "the server takes so long" },
  { "channels", "int", default = 2, min = 1, help = "connections" },
  { "keepalive", "duration", help = "ping when nothing has come for so long" },
}

local api = lgen.proto { files = { "echo.proto" } }
local Unary = api:method "lgen.echo.Echo/Unary"
local ServerStream = api:method "lgen.echo.Echo/ServerStream"
local pool = lgen.grpc.pool("main", lgen.target, {
  size = opt.channels, keepalive = opt.keepalive and { time = opt.keepalive, timeout = opt.keepalive },
})

local function tell(form, status)
  lgen.event("ended", { form = form, code = status.code, kind = status.kind or "", message = status.message or "" })
end

local slow = { delay_seconds = opt.delay }

local function call(ch)
  local reply, err = ch:call(Unary, slow)
  tell("unary", reply and { code = "OK" } or err)
end

local function stream(s)
  for _ in s:messages() do end
  if s:status() then tell("stream", s:status()) end -- else the run is being stopped
end

lgen.scenario("in flight", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1, max_duration = "60s" },
  run = function()
    local tasks, streams = {}, {}
    for _, ch in pool:each() do
      for _ = 1, opt.calls do
        tasks[#tasks + 1] = lgen.spawn(call, ch)
        streams[#streams + 1] = ch:open(ServerStream)
      end
    end
    lgen.yield()
    for _, s in ipairs(streams) do -- behind the calls: once their headers are here, the calls have arrived
      s:send(slow)
      s:half_close()
    end
    for _, s in ipairs(streams) do
      assert(s:backend(20))
      tasks[#tasks + 1] = lgen.spawn(stream, s)
    end
    io.stderr:write "all are under way\n"
    lgen.all(tasks)
    -- gRPC core ends calls before their channel: another one would still go to the connection that has just been lost.
    while pool[1]:state() == "READY" do lgen.sleep(0.01) end
    local _, err = pool[1]:call(Unary, {}, { timeout = 20 })
    tell("afterwards", err or { code = "OK" })
  end,
})
