-- Streams that are held and do nothing: what one costs in memory, and that it costs no CPU.
local lgen = require "lgen"

lgen.plan { api = 1, name = "bench_held" }

local opt = lgen.options {
  { "channels", "int", default = 20, help = "connections" },
  { "streams", "int", default = 10000, help = "streams, a virtual user each" },
}

local api = lgen.proto { files = { "streaming.proto" } }
local ProcessTextStream = api:method "streaming.Streamer/ProcessTextStream"
local pool = lgen.grpc.pool("main", lgen.target, { size = opt.channels })

lgen.scenario("held", {
  load = lgen.load.constant_vus { vus = opt.streams, duration = "1h" },
  run = function(vu)
    local stream = pool:open(ProcessTextStream)
    assert(stream:send { message = "held", channel_id = vu.id })
    for _ in lgen.every(3600) do end  -- until the VU is told to stop
    assert(stream:close())
  end,
})
