-- How long does a message take there and back while both sides talk? Bidirectional streams that send without waiting
-- for replies; each reply is matched with its message, and the report has their round trips (rtt).
local lgen = require "lgen"

lgen.plan { api = 1, name = "chat", about = "Conversations over bidirectional streams, with round trips of messages." }

local opt = lgen.options {
  { "talkers", "int", default = 10, min = 1, help = "conversations at a time, each on a stream of its own" },
  { "lines", "int", default = 50, min = 1, help = "messages in a conversation" },
  { "every", "duration_range", default = "10ms..50ms", help = "pause between a talker's messages" },
  { "work", "duration", default = "0s", help = "how long the server takes over each message" },
  { "p99", "duration", help = "fail unless 99 % of the replies come sooner" },
}

local api = lgen.proto { files = { "echo.proto" } }
local BidiStream = api:method "lgen.echo.Echo/BidiStream"
local ch = lgen.grpc.channel("main", lgen.target)

-- Reads until the stream ends, also beyond the end of the run (stream:messages() would end there); counts the replies.
local function listen(stream)
  local heard = 0
  while stream:recv() do heard = heard + 1 end
  return heard
end

local function talk(vu, stream)
  for n = 1, opt.lines do
    if vu.stopping then break end
    local line = ("talker %d, conversation %d, line %d"):format(vu.index, vu.iter, n)
    if not stream:send { payload = line, delay_seconds = opt.work } then break end
    lgen.delay(opt.every.min, opt.every.max)
  end
  stream:half_close() -- the server answers what it has, then ends the stream
end

lgen.scenario("chat", {
  load = lgen.load.constant_vus { vus = opt.talkers, duration = "10s" }, -- or what --duration says
  run = function(vu)
    -- A reply answers the message with the same payload. Where replies carry no such thing but keep the order:
    -- correlate = "order"; where the fields differ: correlate = { send = "id", recv = "in_reply_to" }.
    local stream = ch:open(BidiStream, { correlate = "payload" })
    local listener = lgen.spawn(listen, stream)
    talk(vu, stream)
    local heard, status = listener:join(), stream:status()
    lgen.check("every line has a reply", heard == stream.sent, status)
    lgen.check("the conversation ended well", status and status.code == "OK", status)
  end,
})

if opt.p99 then lgen.threshold("grpc_message_rtt_seconds", ("p(99) < %g"):format(opt.p99)) end
