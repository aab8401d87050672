-- Every kind of call to lgen.echo.Echo, and every way one can end: what a plan sees must not depend on who serves.
-- A server's books are compared with lgen's, so no call here may end in a way that only one side knows.
local lgen = require "lgen"

lgen.plan { api = 1, name = "echo", about = "All kinds of calls, all codes, deadlines, cancellation, compression." }

local opt = lgen.options {
  { "users", "int", default = 3, min = 1, help = "virtual users of each scenario" },
  { "rounds", "int", default = 5, min = 1, help = "iterations of each" },
  { "messages", "int", default = 20, min = 1, help = "messages in a stream" },
  { "orderly", "bool", help = "leave out what one side ends early: failing streams, deadlines, cancellations" },
}

local api = lgen.proto { files = { "echo.proto" } }
local Unary = api:method "lgen.echo.Echo/Unary"
local ClientStream = api:method "lgen.echo.Echo/ClientStream"
local ServerStream = api:method "lgen.echo.Echo/ServerStream"
local BidiStream = api:method "lgen.echo.Echo/BidiStream"

local ch = lgen.grpc.channel("plain", lgen.target)
local zipped = lgen.grpc.channel("zipped", lgen.target, { compression = "gzip" })

-- `at_once`: the rounds, too, run side by side; for what waits more than it works.
local function scenario(name, run, at_once)
  local users, rounds = opt.users, opt.rounds
  if at_once then users, rounds = users * rounds, 1 end
  lgen.scenario(name, {
    load = lgen.load.per_vu_iterations { vus = users, iterations = rounds, max_duration = "60s" },
    run = run,
  })
end

-- Whether a stream ended as it should.
local function ended(s, code, message)
  local _, status = s:recv(20)
  lgen.check("a stream ends with " .. code, status and status.code == code, status)
  if message then lgen.check("and with its message", status and status.message == message, status) end
end

scenario("unary", function()
  local payload = lgen.random.bytes(lgen.random.int(0, 2000))
  local reply = assert(ch:call(Unary, { payload = payload }))
  lgen.check("the payload comes back", reply.payload == payload)
  lgen.check("the first and only reply", reply.sequence == 1 and reply.messages_seen == 1)
end)

scenario("large", function()
  local payload = ("all work and no play "):rep(10000)
  for _, channel in ipairs { ch, zipped } do
    local reply = assert(channel:call(Unary, { payload = payload }))
    lgen.check("a large payload comes back", reply.payload == payload)
    reply = assert(channel:call(Unary, { reply_size = 1000000 }))
    lgen.check("a larger reply", #reply.payload == 1000000)
  end
end)

scenario("codes", function()
  local message = 'größer als 50%: "wrong"\n'
  for number = 1, 16 do
    local reply, err = ch:call(Unary, { status_code = number, status_message = message })
    lgen.check("the code asked for", not reply and err.number == number, err)
    lgen.check("who ended it", not reply and err.kind == (number == 4 and "timeout" or "status"), err)
    lgen.check("the message asked for", not reply and err.message == message, err)
  end
end)

scenario("client stream", function()
  local s, bytes = ch:open(ClientStream), 0
  for n = 1, opt.messages do
    s:send { payload = ("x"):rep(n) }
    bytes = bytes + n
  end
  local reply = assert(s:close(20))
  lgen.check("every message was read", reply.messages_seen == opt.messages and reply.payload_bytes_seen == bytes)
  lgen.check("the last message shapes the reply", #reply.payload == opt.messages)
end)

scenario("empty client stream", function()
  local reply = assert(ch:open(ClientStream):close(20))
  lgen.check("an empty stream has a reply", reply.messages_seen == 0 and reply.payload == "")
end)

scenario("server stream", function()
  local s, n = ch:open(ServerStream), 0
  s:send { payload = "again", replies = opt.messages }
  s:half_close()
  for reply in s:messages() do
    n = n + 1
    lgen.check("replies in order", reply.sequence == n and reply.payload == "again")
  end
  lgen.check("as many replies as asked for", n == opt.messages and s:status().code == "OK", s:status())
end)

scenario("bidi", function()
  for _, channel in ipairs { ch, zipped } do
    local s = channel:open(BidiStream)
    for n = 1, opt.messages do
      s:send { payload = "ping " .. n }
      local reply = assert(s:recv(20))
      lgen.check("one reply for each message", reply.payload == "ping " .. n and reply.sequence == n)
    end
    s:half_close()
    ended(s, "OK")
  end
end)

scenario("bidi, both ways at once", function()
  local s = ch:open(BidiStream)
  local sender = lgen.spawn(function()
    for n = 1, opt.messages do s:send { payload = tostring(n) } end
    s:half_close()
  end)
  local n = 0
  for reply in s:messages() do
    n = n + 1
    lgen.check("replies keep the order", reply.payload == tostring(n))
  end
  sender:join()
  lgen.check("no reply is lost", n == opt.messages and s:status().code == "OK", s:status())
end)

if opt.orderly then return end

scenario("failing streams", function()
  local s = ch:open(BidiStream)
  s:send { payload = "fine" }
  assert(s:recv(20))
  s:send { status_code = 9, status_message = "no more" }
  ended(s, "FAILED_PRECONDITION", "no more")
  s = ch:open(ServerStream)
  s:send { status_code = 5, status_message = "nobody" }
  s:half_close()
  ended(s, "NOT_FOUND", "nobody")
  s = ch:open(ClientStream)
  s:send { status_code = 8, status_message = "enough" }
  s:half_close()
  ended(s, "RESOURCE_EXHAUSTED", "enough")
end)

-- Long enough for a busy server to answer what comes before the wait.
scenario("a call's deadline", function()
  local reply, err = ch:call(Unary, { delay_seconds = 600 }, { timeout = "4s" })
  lgen.check("a call's deadline", not reply and err.code == "DEADLINE_EXCEEDED" and err.kind == "timeout", err)
end, true)

scenario("a stream's deadline", function()
  local s = ch:open(BidiStream, { timeout = "4s" })
  s:send { payload = "in time" }
  assert(s:recv(20))
  s:send { delay_seconds = 600 }
  ended(s, "DEADLINE_EXCEEDED")
end, true)

scenario("cancelled", function()
  local s = ch:open(BidiStream)
  s:send { payload = "so far" }
  assert(s:recv(20))
  s:cancel "changed my mind"
  ended(s, "CANCELLED")
  s = ch:open(ServerStream)
  s:send { delay_seconds = 600 }
  s:half_close()
  assert(s:backend(20)) -- the server is at work
  s:cancel()
  ended(s, "CANCELLED")
end)
