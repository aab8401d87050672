-- Streams that are held and do nothing: what one costs in memory, and that it costs no CPU.
local lgen = require "lgen"

lgen.plan { api = 1, name = "bench_held" }

local opt = lgen.options {
  { "channels", "int", default = 20, help = "connections" },
  { "streams", "int", default = 10000, help = "streams, a virtual user each" },
  { "others", "string", default = "", help = "more servers, comma-separated; the channels are dealt over all" },
}

local api = lgen.proto { files = { "streaming.proto" } }
local ProcessTextStream = api:method "streaming.Streamer/ProcessTextStream"
local pools = {}
for target in (lgen.target .. "," .. opt.others):gmatch "[^,]+" do pools[#pools + 1] = target end
for i, target in ipairs(pools) do
  pools[i] = lgen.grpc.pool("server" .. i, target, { size = math.ceil(opt.channels / #pools) })
end

lgen.scenario("held", {
  load = lgen.load.constant_vus { vus = opt.streams, duration = "1h" },
  run = function(vu)
    local stream = pools[vu.id % #pools + 1]:open(ProcessTextStream)
    assert(stream:send { message = "held", channel_id = vu.id })
    for _ in lgen.every(3600) do end  -- until the VU is told to stop
    assert(stream:close())
  end,
})
