-- Health, correlation, compression and attempts, against a real server.
local lgen = require "lgen"
local api = lgen.proto { files = { "streaming.proto", "echo.proto" } }
local ch = lgen.grpc.channel("main", lgen.target)
local zipped = lgen.grpc.channel("zipped", lgen.target, { compression = "gzip" })
local Unary = api:method "lgen.echo.Echo/Unary"
local Bidi = api:method "lgen.echo.Echo/BidiStream"
local Server = api:method "lgen.echo.Echo/ServerStream"
local Client = api:method "lgen.echo.Echo/ClientStream"

local check = lgen.check

local function raises(fn, ...)
  local ok, message = pcall(fn, ...)
  return not ok and tostring(message):gsub("^.-:%d+: ", "") or "no error"
end

local function is(what, got, wanted) check(what, got == wanted, got) end

local function health()
  is("the server is serving", ch:health(), "SERVING")
  is("a service is serving", ch:health("lgen.echo.Echo", { timeout = 5 }), "SERVING")
  local status, err = ch:health("no.Such")
  check("an unknown service is NOT_FOUND", status == nil and err.code == "NOT_FOUND", err)
  is("a service is a string", raises(ch.health, ch, 5), "ch:health: service: string expected, got number 5")
  is("health is a channel's", raises(ch.health, "x"), 'ch:health: lgen.Pool expected, got string "x"')
end

local function watch_health()
  local seen = {}
  for status, err in ch:watch_health() do
    seen[#seen + 1] = status
    check("a watch that works has no error", err == nil, err)
    break
  end
  is("a watch tells the status now", seen[1], "SERVING")
  for status in ch:watch_health("no.Such") do
    is("an unknown service is SERVICE_UNKNOWN", status, "SERVICE_UNKNOWN")
    break
  end
  local told = {}
  for status, err in ch:watch_health("", { timeout = "50ms" }) do told[#told + 1] = { status, err and err.code } end
  check("a watch that fails says so last", #told == 2 and told[2][1] == "UNKNOWN" and told[2][2] == "DEADLINE_EXCEEDED",
    lgen.json.encode(told))
end

local function exchange(correlate, messages, replies)
  local s = ch:open(Bidi, { correlate = correlate, tags = { case = messages } })
  for k = 1, replies do assert(s:send { payload = messages .. k, delay_seconds = k == 1 and 0.01 or 0 }) end
  for _ = 1, replies do assert(s:recv(10)) end
  s:close(10)
end

local function correlation()
  exchange("order", "order", 20)
  exchange("payload", "payload", 20)
  exchange({ send = "payload", recv = function(reply) return reply.payload end }, "mixed", 20)
  exchange({ send = function(m) return m.payload end, recv = function(reply) return reply.payload end }, "both", 20)

  local same = ch:open(Bidi, { correlate = "payload", tags = { case = "same" } })
  for _ = 1, 5 do same:send { payload = "always the same" } end
  for _ = 1, 5 do same:recv(10) end
  same:close(10)

  local other = ch:open(Bidi, { correlate = "payload", tags = { case = "other" } })
  for k = 1, 4 do other:send { payload = "k" .. k, reply_size = 3 } end
  other:close(10)

  local few = ch:open(Bidi, { correlate = { send = "payload", recv = "payload", max = 2 }, tags = { case = "few" } })
  for k = 1, 6 do few:send { payload = "k" .. k, delay_seconds = k == 1 and 0.05 or 0 } end
  few:close(10)

  local broken = ch:open(Bidi, { correlate = { send = "payload", recv = function() error "boom" end },
    tags = { case = "broken" } })
  broken:send { payload = "x" }
  broken:close(10)
end

local function correlation_misuse()
  local function open(correlate, method) return raises(ch.open, ch, method or Bidi, { correlate = correlate }) end
  is("an unknown field", open "payloat",
    "ch:open: correlate: lgen.echo.EchoRequest has no field 'payloat' (did you mean 'payload'?)")
  is("a field of one side only", open "delay_seconds",
    "ch:open: correlate: lgen.echo.EchoRequest.delay_seconds is double: messages are told apart by an integer, an " ..
    "enum, a bool, a string or bytes")
  is("a path through no message", open { send = "payload.x", recv = "payload" },
    "ch:open: correlate: lgen.echo.EchoRequest.payload is bytes: only a single message can be in the middle of a path")
  is("kinds that differ", open { send = "payload", recv = "sequence" },
    "ch:open: correlate: lgen.echo.EchoRequest.payload (bytes) can never equal lgen.echo.EchoReply.sequence (uint64)")
  is("half of it", open { send = "payload" },
    'ch:open: correlate: recv is missing; name a field or a function on both sides, or say "order"')
  is("a wrong key", open { sent = "payload" }, "ch:open: correlate: unknown option 'sent' (did you mean 'send'?)")
  is("a wrong type", open(5), 'ch:open: correlate: "order", the path of a field or {send=, recv=} expected, got number 5')
  is("a client stream", open("payload", Client),
    "ch:open: correlate: lgen.echo.Echo/ClientStream is no bidi stream: it does not answer message by message")
  is("a path without schema", open("id", "/a.B/C"), "ch:open: correlate: a field needs a schema; a.B/C is called by " ..
    'its path, so say "order" or give functions')
  is("a call has none", raises(ch.call, ch, Unary, {}, { correlate = "order" }),
    "ch:call: unknown option 'correlate' (it takes: timeout, metadata, wait_for_ready, compression, decode, tags)")
end

local function compression()
  local text = ("compress me "):rep(1000)
  is("gzip on the channel", #zipped:call(Unary, { payload = text }).payload, #text)
  is("deflate for one call", #ch:call(Unary, { payload = text }, { compression = "deflate" }).payload, #text)
  is("none for one call", #zipped:call(Unary, { payload = text }, { compression = "none" }).payload, #text)
  local s = ch:open(Bidi, { compression = "gzip" })
  s:send { payload = text }
  is("gzip on a stream", #s:recv(10).payload, #text)
  s:close(10)
  is("an unknown one", raises(ch.call, ch, Unary, {}, { compression = "gzap" }),
    "ch:call: compression: unknown value 'gzap' (did you mean 'gzip'?)")
end

local function gaps()
  local s = ch:open(Server)
  s:send { replies = 11, delay_seconds = 0.002 }
  for _ in s:messages() do end
end

local function deadlines()
  is("no time for a call", raises(ch.call, ch, Unary, {}, { timeout = 0 }),
    "ch:call: timeout: 0 leaves no time for an answer; without one there is no deadline")
  is("no time for a stream", raises(ch.open, ch, Bidi, { timeout = "0s" }),
    "ch:open: timeout: 0 leaves no time for an answer; without one there is no deadline")
  is("less than none", raises(ch.call, ch, Unary, {}, { timeout = -1 }), "ch:call: timeout: a duration is not negative, got -1")
end

lgen.scenario("fidelity", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1, max_duration = "60s" },
  run = function()
    health()
    watch_health()
    correlation()
    correlation_misuse()
    compression()
    gaps()
    deadlines()
    local _, _, call = ch:call(Unary, {})
    is("the server tells the attempts", call.attempts, 1)
    check("every test ran", true)
  end,
})
