-- Client streams flat out: a new table encoded for every message, no pause, and the server's count checked at the end.
-- With --compose its text is new, too: what a plan's own string work adds.
local lgen = require "lgen"

lgen.plan { api = 1, name = "bench_stream" }

local opt = lgen.options {
  { "channels", "int", default = 3, help = "connections" },
  { "streams", "int", default = 30, help = "streams, dealt over the channels" },
  { "messages", "int", default = 10000, help = "messages of each stream" },
  { "compose", "bool", help = "make up a new text for every message" },
}

local kText = "[Stream 12] This is message number 12345"

local api = lgen.proto { files = { "streaming.proto" } }
local ProcessTextStream = api:method "streaming.Streamer/ProcessTextStream"
local pool = lgen.grpc.pool("main", lgen.target, { size = opt.channels })

lgen.scenario("stream", {
  load = lgen.load.per_vu_iterations { vus = opt.streams, iterations = 1, max_duration = "1h" },
  run = function(vu)
    local id = vu.id
    local stream = pool:open(ProcessTextStream)
    if opt.compose then
      for k = 1, opt.messages do
        assert(stream:send { message = "[Stream " .. id .. "] This is message number " .. k, channel_id = id })
      end
    else
      for _ = 1, opt.messages do assert(stream:send { message = kText, channel_id = id }) end
    end
    local reply = assert(stream:close())
    if reply.message_count ~= opt.messages then error "messages are missing" end
  end,
})
