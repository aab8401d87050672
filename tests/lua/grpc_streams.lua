-- Streams of all three kinds: sending, receiving, the orderly end and the others, against a real server.
local lgen = require "lgen"
local api = lgen.proto { files = { "streaming.proto", "echo.proto" } }
local ch = lgen.grpc.channel("main", lgen.target)
local Process = api:method "streaming.Streamer/ProcessTextStream"
local Bidi = api:method "lgen.echo.Echo/BidiStream"
local Server = api:method "lgen.echo.Echo/ServerStream"
local Client = api:method "lgen.echo.Echo/ClientStream"

local check = lgen.check

local function raises(fn, ...)
  local ok, message = pcall(fn, ...)
  return not ok and tostring(message) or "no error"
end

local function a_client_stream()
  local s = ch:open(Process)
  check("a new stream is open", s:status() == nil and s:headers() == nil and s:trailers() == nil)
  for k = 1, 100 do assert(s:send { message = "This is message number " .. k, channel_id = 3, client_id = "t" }) end
  check("sent counts what was accepted", s.sent == 100)
  check("the backend is learnt from the headers", s:backend() == s:headers()["x-backend"], s:backend())
  check("the connection has channel and number", s.connection == "main#1", s.connection)
  check("the stream knows its channel", s.channel == "main" and s.id >= 1)
  local reply, err = s:close(10)
  check("close gives the only reply", reply and reply.message_count == 100, err)
  check("the status is OK then", s:status().code == "OK" and s:trailers() ~= nil)
  check("the reply was received", s.received == 1 and s.sent == 100)
  local more, status = s:send { message = "late" }
  check("sending after the end gives nil, status", more == nil and status.code == "OK")
  local again, ended = s:recv()
  check("receiving after the end gives nil, status", again == nil and ended.code == "OK")
end

local function a_server_stream()
  local s = ch:open(Server)
  s:send { replies = 20, payload = "x" }
  check("a server stream takes one request", raises(s.send, s, { replies = 1 }):find("takes one request", 1, true)
    or s:status() ~= nil)
  local count = 0
  for message in s:messages() do
    count = count + 1
    if message.sequence ~= count then check("replies are in order", false, message.sequence) end
  end
  check("messages gives them all", count == 20, count)
  check("the loop ends with the stream", s:status().code == "OK")
end

local function a_bidi_stream()
  local s = ch:open(Bidi)
  for k = 1, 10 do
    assert(s:send { payload = "ping" .. k })
    local reply = assert(s:recv(5))
    if reply.payload ~= "ping" .. k then check("each message has its answer", false, reply.payload) end
  end
  local nothing, err = s:recv("20ms")
  check("recv may time out", nothing == nil and err.kind == "timeout" and s:status() == nil, err)
  assert(s:send { payload = "last" })
  s:half_close()
  check("sending after half_close raises", raises(s.send, s, {}):find("half-closed", 1, true))
  check("close gives the last reply", s:close(5).payload == "last")
end

local function two_tasks()
  local s = ch:open(Bidi)
  local sender = lgen.spawn(function()
    for _ = 1, 2000 do assert(s:send { payload = ("y"):rep(1000) }) end
    s:half_close()
  end)
  local count = 0
  for _ in s:messages() do count = count + 1 end
  sender:join()
  check("two tasks may send and receive at once", count == 2000 and s.sent == 2000, count)
end

local function back_pressure()
  local s = ch:open(Client)
  local big = api:message("lgen.echo.EchoRequest", { payload = ("z"):rep(60000) })
  for _ = 1, 200 do assert(s:send(big)) end
  local reply = s:close(20)
  check("a full buffer only makes send wait", reply and reply.messages_seen == 200 and reply.payload_bytes_seen == 12000000)
end

local function a_failing_stream()
  local s = ch:open(Bidi)
  s:send { status_code = 8, status_message = "enough" }
  local reply, status = s:recv(5)
  check("recv gives nil and the status", reply == nil and status.code == "RESOURCE_EXHAUSTED", status)
  local last, ended = s:close()
  check("close gives it, too", last == nil and ended.message == "enough")
  local late = ch:open(Bidi, { timeout = "50ms" })
  local _, why = late:recv()
  check("a stream's deadline is of kind timeout", why.code == "DEADLINE_EXCEEDED" and why.kind == "timeout", why)
end

local function cancelling()
  local s = ch:open(Bidi)
  s:backend()
  s:cancel("seen enough")
  local _, status = s:recv()
  check("a cancelled stream says so", status.code == "CANCELLED" and status.kind == "cancelled", status)
  local slow = ch:open(Client)
  slow:send { delay_seconds = 30 }
  local reply, err = slow:close("30ms")
  check("close may time out", reply == nil and err.kind == "timeout", err)
end

local function leaving_open()
  lgen.spawn(function()
    local s = ch:open(Bidi)
    s:backend()
  end):join()
  check("a task may leave a stream open", true)
end

local function raw_streams()
  local s = ch:open("/streaming.Streamer/ProcessTextStream")
  s:send(api:message("streaming.TextRequest", { message = "m" }).bytes)
  check("a path takes and gives bytes", api:decode("streaming.TextResponse", s:close(5)).message_count == 1)
end

local function misuse()
  local s = ch:open(Process)
  check("a wrong type names field and value",
    raises(s.send, s, { channel_id = "3" }):find('s:send: streaming.TextRequest.channel_id: int32 expected, got string "3"', 1, true),
    raises(s.send, s, { channel_id = "3" }))
  check("an unknown field of a stream raises", raises(function() return s.recieved end):find("did you mean 'received'", 1, true))
  check("a unary method raises", raises(ch.open, ch, api:method "lgen.echo.Echo/Unary"):find("use ch:call", 1, true))
  s:close(5)
end

lgen.scenario("streams", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1, max_duration = "60s" },
  run = function()
    a_client_stream()
    a_server_stream()
    a_bidi_stream()
    two_tasks()
    back_pressure()
    a_failing_stream()
    cancelling()
    leaving_open()
    raw_streams()
    misuse()
    check("every test ran", true)
  end,
})
