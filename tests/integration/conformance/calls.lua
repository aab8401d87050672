-- What echo.lua leaves out, against lgen.echo.Echo on any server: large and empty messages, deflate, both orders of
-- closing a stream, methods that do not exist, calls that are given up in every way, many at once.
local lgen = require "lgen"

lgen.plan { api = 1, name = "calls", about = "Sizes, compression, half-closes, trailers alone, giving up, crowds." }

local opt = lgen.options {
  { "users", "int", default = 2, min = 1, help = "virtual users of each scenario" },
  { "crowd", "int", default = 150, min = 1, help = "calls at once" },
  { "orderly", "bool", help = "leave out what one side ends early" },
}

local api = lgen.proto { files = { "echo.proto" } }
local Unary = api:method "lgen.echo.Echo/Unary"
local ClientStream = api:method "lgen.echo.Echo/ClientStream"
local ServerStream = api:method "lgen.echo.Echo/ServerStream"
local BidiStream = api:method "lgen.echo.Echo/BidiStream"
local ch = lgen.grpc.channel("main", lgen.target)

local function scenario(name, run)
  lgen.scenario(name, {
    load = lgen.load.per_vu_iterations { vus = opt.users, iterations = 1, max_duration = "60s" },
    run = run,
  })
end

-- Whether a stream ends now, and how.
local function ended(s, code, kind)
  local message, status = s:recv(20)
  lgen.check("nothing more comes", message == nil)
  lgen.check("it ends with " .. code, status and status.code == code, status)
  lgen.check("it is ended by " .. kind, status and (status.kind or "") == kind, status)
end

local MEGABYTE = 1024 * 1024

scenario("large", function()
  local payload = ("0123456789abcdef"):rep(4 * MEGABYTE / 16 - 64) -- 4 MiB is what servers take
  local reply = assert(ch:call(Unary, { payload = payload }))
  lgen.check("4 MB come back", reply.payload == payload)
  reply = assert(ch:call(Unary, { reply_size = 9 * MEGABYTE }))
  lgen.check("9 MB come", #reply.payload == 9 * MEGABYTE)
  local s = ch:open(BidiStream)
  for n = 1, 3 do
    s:send { payload = payload }
    reply = assert(s:recv(20))
    lgen.check("4 MB in a stream, again and again", #reply.payload == #payload and reply.sequence == n)
  end
  s:half_close()
  ended(s, "OK", "status")
end)

scenario("many messages, read slowly", function()
  local s, n, bytes = ch:open(ServerStream), 0, 0
  s:send { reply_size = 100000, replies = 50 }
  s:half_close()
  for reply in s:messages() do
    n, bytes = n + 1, bytes + #reply.payload
    lgen.yield()
  end
  lgen.check("all of them", n == 50 and bytes == 5000000 and s:status().code == "OK", s:status())
end)

scenario("empty", function()
  local reply, _, call = ch:call(Unary, {})
  lgen.check("an empty message for an empty one", reply and reply.payload == "" and call.status.code == "OK")
  local s = ch:open(ClientStream)
  for _ = 1, 50 do s:send {} end
  reply = assert(s:close(20))
  lgen.check("empty messages are messages", reply.messages_seen == 50 and reply.payload_bytes_seen == 0)
end)

for _, how in ipairs { "gzip", "deflate", "none" } do
  scenario(how, function()
    local text = ("all work and no play "):rep(5000)
    local zipped = { compression = how }
    local reply = assert(ch:call(Unary, { payload = text, reply_size = 1 }, zipped))
    lgen.check("what was packed is read whole", reply.payload_bytes_seen == #text)
    reply = assert(ch:call(Unary, { payload = "" }, zipped))
    lgen.check("nothing, packed", reply.payload == "")
    local s = ch:open(ClientStream, zipped)
    for n = 1, 20 do s:send { payload = text:sub(1, n * 100) } end
    reply = assert(s:close(20))
    lgen.check("every message is read", reply.messages_seen == 20)
    lgen.check("and whole", reply.payload_bytes_seen == 100 * 20 * 21 / 2)
  end)
end

scenario("closing first", function()
  local s = ch:open(BidiStream)
  s:half_close()
  ended(s, "OK", "status")
  s = ch:open(BidiStream)
  for n = 1, 30 do s:send { payload = tostring(n) } end
  s:half_close()
  local n = 0
  for reply in s:messages() do
    n = n + 1
    lgen.check("replies come after we have closed our side", reply.payload == tostring(n))
  end
  lgen.check("as many as there were questions", n == 30 and s:status().code == "OK", s:status())
  lgen.check("a closed stream takes nothing", pcall(s.send, s, {}) == false or s.sent == 30, s.sent)
end)

scenario("closing and draining", function()
  local s = ch:open(BidiStream)
  for n = 1, 10 do s:send { payload = tostring(n) } end
  local reply, err = s:close(20)
  lgen.check("close() reads to the end", reply and reply.payload == "10", err)
  lgen.check("and tells the status", s:status().code == "OK" and s.received == 10, s:status())
end)

scenario("crowd", function()
  local calls = {}
  for n = 1, opt.crowd do
    calls[n] = lgen.spawn(function()
      local text = "number " .. n
      local reply, err = ch:call(Unary, { payload = text, delay_seconds = 0.01 })
      lgen.check("everybody gets his own reply", reply and reply.payload == text, err)
    end)
  end
  lgen.all(calls)
end)

if opt.orderly then return end

-- One answer is the whole answer: trailers alone.
scenario("nobody there", function()
  for _, path in ipairs { "/lgen.echo.Echo/Nonsense", "/no.such.Service/Method" } do
    local reply, err = ch:call(path, "")
    lgen.check("an unknown method", not reply and err.code == "UNIMPLEMENTED" and err.kind == "status", err)
    local s = ch:open(path)
    s:half_close()
    ended(s, "UNIMPLEMENTED", "status")
  end
end)

scenario("server ends first", function()
  local s = ch:open(BidiStream)
  s:send { payload = "fine" }
  assert(s:recv(20))
  s:send { status_code = 10, status_message = "enough" }
  ended(s, "ABORTED", "status")
  local sent, status = s:send {}
  lgen.check("an ended stream takes nothing", not sent and status.code == "ABORTED", status)
  s = ch:open(ServerStream)
  s:send { status_code = 15, status_message = "gone", replies = 3 }
  ended(s, "DATA_LOSS", "status")
end)

scenario("given up", function()
  local reply, err = ch:call(Unary, { delay_seconds = 600 }, { timeout = "1ms" })
  lgen.check("a deadline of a millisecond", not reply and err.code == "DEADLINE_EXCEEDED", err)
  lgen.check("is a timeout", not reply and err.kind == "timeout", err)
  local s = ch:open(ClientStream, { timeout = "0.5s" }) -- without a message, which a busy machine might not send
  ended(s, "DEADLINE_EXCEEDED", "timeout")
  s = ch:open(BidiStream)
  s:cancel()
  ended(s, "CANCELLED", "cancelled")
  s = ch:open(ServerStream)
  s:send { delay_seconds = 600 }
  s:half_close()
  assert(s:backend(20))
  s:cancel "after half-closing"
  ended(s, "CANCELLED", "cancelled")
  lgen.check("a call in a block that is given up", not lgen.timeout("0.3s", function()
    ch:call(Unary, { delay_seconds = 600 })
  end))
  lgen.check("the connection lives on", ch:call(Unary, {}))
end)
