-- Four seconds of everything that the HTML report draws: calls, streams, messages, checks, thresholds, events, the
-- plan's own metrics, a matrix.
local lgen = require "lgen"

lgen.plan { api = 1, name = "mixed" }
local api = lgen.proto { files = { "echo.proto", "streaming.proto" } }
local Unary = api:method "lgen.echo.Echo/Unary"
local Text = api:method "streaming.Streamer/ProcessTextStream"
local pool = lgen.grpc.pool("main", lgen.target, { size = 2 })
local spread = lgen.distribution("streams over backends", { rows = "channel" })
local sold = lgen.counter("items_sold", { help = "Items sold.", labels = { "kind" } })

lgen.scenario("calls", {
  load = lgen.load.constant_vus { vus = 4, duration = "4s" },
  run = function()
    local reply, err = pool:call(Unary, { payload = "x", delay_seconds = lgen.random.exponential(0.003), error_probability = 0.02 })
    lgen.check("replied", reply or err.code == "UNAVAILABLE")
    sold:add(1, { kind = lgen.random.bool(0.5) and "book" or "lamp" })
    lgen.sleep(0.01)
  end,
})
lgen.scenario("streams", {
  load = lgen.load.constant_vus { vus = 4, duration = "4s" },
  run = function(vu)
    local channel = pool[vu.index % 2 + 1]
    local stream = channel:open(Text)
    for _ = 1, 3 do
      stream:send { message = "hello", channel_id = vu.id }
      lgen.sleep(0.05)
    end
    lgen.check("all counted", stream:close(5).message_count == 3)
    spread:add("main[" .. vu.index % 2 + 1 .. "]", stream:backend())
    if vu.iter == 2 then lgen.event("third_stream", { vu = vu.id }) end
  end,
})
lgen.threshold("grpc_call_duration_seconds", "p(99) < 10")
