-- Unary calls, their options, their records and their failures, against a real server.
local lgen = require "lgen"
local api = lgen.proto { files = { "hello.proto", "echo.proto" } }
local ch = lgen.grpc.channel("main", lgen.target, { metadata = { ["x-base"] = "from-channel" } })
local by_trailer = lgen.grpc.channel("by_trailer", lgen.target, { backend = { trailer = "x-nothing" } })
local by_field = lgen.grpc.channel("by_field", lgen.target, { backend = { field = "pod" } })
local by_peer = lgen.grpc.channel("by_peer", lgen.target, { backend = { peer = true } })
local hasty = lgen.grpc.channel("hasty", lgen.target, { timeout = "30ms" })
local SayHello = api:method "hello.Hello/SayHello"
local Unary = api:method "lgen.echo.Echo/Unary"

local check = lgen.check

local function raises(fn, ...)
  local ok, message = pcall(fn, ...)
  return not ok and tostring(message) or "no error"
end

local function replies()
  local reply, err, call = ch:call(SayHello, { name = "Ada" })
  check("a reply comes with no error", reply and err == nil and reply.name:find("Ada", 1, true), err)
  check("the record has a duration", call.duration > 0 and call.duration < 10)
  check("the backend is the header x-backend", call.backend == call.headers["x-backend"], call.backend)
  check("the peer is an address", call.peer == lgen.target, call.peer)
  check("the record names the channel", call.channel == "main")
  check("the status is OK", call.status.code == "OK" and call.status.number == 0)
  check("trailers are a table", type(call.trailers) == "table")
  check("an unknown field of the record raises", raises(function() return call.durration end):find("did you mean 'duration'?", 1, true))
end

local function raw_bytes()
  local request = api:message("hello.Greeting", { name = "raw" })
  check("an encoded message knows its type and size", request.type == "hello.Greeting" and #request == #request.bytes)
  local bytes = ch:call("/hello.Hello/SayHello", request.bytes)
  check("a path takes and gives bytes", api:decode("hello.Introduction", bytes).name:find("raw", 1, true))
  local undecoded = ch:call(SayHello, request, { decode = false })
  check("decode = false gives bytes", type(undecoded) == "string")
  check("an encoded message of another type raises",
    raises(ch.call, ch, Unary, request):find("lgen.echo.EchoRequest expected, got an encoded hello.Greeting", 1, true))
end

local function metadata_goes_out()
  local sent = { ["X-One"] = "1", two = { "a", "b" }, ["raw-bin"] = "\0\1\255" }
  local reply = ch:call(Unary, { payload = "p" }, { metadata = sent })
  check("a call with metadata succeeds", reply and reply.payload == "p")
  check("metadata may come from a function",
    ch:call(Unary, { payload = "p" }, { metadata = function() return { k = "v" } end }))
  check("a metadata value that is no string raises",
    raises(ch.call, ch, Unary, {}, { metadata = { k = 5 } }):find("metadata 'k': string or list of strings expected", 1, true))
  check("a metadata key with a blank raises",
    raises(ch.call, ch, Unary, {}, { metadata = { ["a b"] = "v" } }):find('metadata key "a b" cannot be sent', 1, true))
  check("bytes without -bin raise",
    raises(ch.call, ch, Unary, {}, { metadata = { k = "\1" } }):find("let the key end in '-bin'", 1, true))
end

local function failures()
  local reply, err, more = ch:call(Unary, { status_code = 9, status_message = "not now" })
  check("a failure is exactly nil, err", reply == nil and more == nil and err ~= nil)
  check("the error has code and number", err.code == "FAILED_PRECONDITION" and err.number == 9)
  check("the error reads well", tostring(err) == "FAILED_PRECONDITION: not now", tostring(err))
  check("the server's status is of kind status", err.kind == "status")
  local _, silent = ch:call(Unary, { status_code = 14 })
  check("an error without a message says so", tostring(silent) == "UNAVAILABLE (no message)", tostring(silent))
  check("the record is in the error", err.call.status.code == "FAILED_PRECONDITION" and err.call.peer == lgen.target)
  check("assert turns it into a raise", raises(function() assert(ch:call(Unary, { status_code = 5 })) end):find("NOT_FOUND", 1, true))

  local _, late = ch:call(Unary, { delay_seconds = 5 }, { timeout = "30ms" })
  check("a deadline is of kind timeout", late.code == "DEADLINE_EXCEEDED" and late.kind == "timeout", late)
  local _, hasted = hasty:call(Unary, { delay_seconds = 5 })
  check("the channel's timeout holds for calls that set none", hasted and hasted.kind == "timeout", hasted)
  check("a call may set its own", hasty:call(Unary, { delay_seconds = 0.05 }, { timeout = 10 }))

  local _, refused = lgen.grpc.channel("nowhere", "127.0.0.1:1"):call(SayHello, {})
  check("nobody there is of kind connect", refused.code == "UNAVAILABLE" and refused.kind == "connect", refused)
  check("a call that never left has no backend", refused.call.backend == "" and refused.call.peer == "")
  local _, unimplemented = ch:call("/no.Such/Method", "")
  check("an unknown method is UNIMPLEMENTED", unimplemented.code == "UNIMPLEMENTED", unimplemented)
end

local function backends()
  local _, _, call = by_trailer:call(Unary, {})
  check("a backend not learnt is unknown", call.backend == "unknown", call.backend)
  local reply, _, fielded = by_field:call(Unary, {})
  check("a field may name the backend", reply.pod ~= "" and fielded.backend == reply.pod, fielded.backend)
  local _, _, peered = by_peer:call(Unary, {})
  check("the peer may be the backend", peered.backend == lgen.target, peered.backend)
end

local function misuse()
  check("a streaming method raises", raises(ch.call, ch, api:method "lgen.echo.Echo/BidiStream", {}):find("use ch:open", 1, true))
  check("an unknown call option raises",
    raises(ch.call, ch, SayHello, {}, { timeuot = 1 }):find("unknown option 'timeuot' (did you mean 'timeout'?)", 1, true))
  check("a wrong type names the field",
    raises(ch.call, ch, SayHello, { name = 5 }):find("ch:call: hello.Greeting.name: string expected", 1, true),
    raises(ch.call, ch, SayHello, { name = 5 }))
  check("a message that is no table raises",
    raises(ch.call, ch, SayHello, "text"):find("hello.Greeting expected (a table), got string", 1, true))
  check("a negative timeout raises",
    raises(ch.call, ch, SayHello, {}, { timeout = -1 }):find("ch:call: timeout: ", 1, true))
  check("a dot instead of a colon raises", raises(ch.call, SayHello, {}):find("call methods with ':'", 1, true)
    or raises(ch.call, SayHello, {}):find("lgen.Pool expected", 1, true))
  check("an unknown method of a channel raises", raises(function() return ch.cal end):find("call", 1, true))
  check("sorting with calls raises",
    raises(function() table.sort({ 1, 2, 3 }, function() return ch:call(SayHello, {}) end) end)
      :find("yield not possible inside table.sort", 1, true))
end

local function metadata_functions()
  local function error_with(metadata) return raises(ch.call, ch, SayHello, {}, { metadata = metadata }) end
  local line = debug.getinfo(1, "l").currentline
  local rows = {
    { "that raises", function() error("no token") end, "grpc_calls.lua:" .. line + 2 .. ": no token" },
    { "that raises a table", function() error(setmetatable({}, { __tostring = function() return "mine" end })) end, "mine" },
    { "that returns nothing", function() end,
      "ch:call: metadata: the function of " .. debug.getinfo(1, "S").short_src .. ":" .. line + 4 ..
      " returned nil; a table expected" },
    { "that returns text", function() return "token" end, 'returned string "token"; a table expected' },
    { "with a number in it", function() return { token = 5 } end,
      "ch:call: metadata 'token': string or list of strings expected, got number 5" },
    { "with a list of numbers", function() return { token = { "a", 5 } } end,
      "ch:call: metadata 'token': string or list of strings expected, got number 5" },
    { "without names", function() return { "a" } end, "ch:call: metadata keys are strings, got number 1" },
    { "with a token of several lines", function() return { token = "a\nb" } end,
      "ch:call: metadata 'token': only printable ASCII can be sent; for bytes let the key end in '-bin'" },
    { "that waits", function() lgen.sleep(0) return {} end, "yield not possible inside a metadata function" },
    { "that calls", function() return { a = ch:call(SayHello, {}) } end, "yield not possible inside a metadata function" },
    { "with a wrong key", function() return { token = lgen.crypto.jwt({}, { alg = "RS256", key = "none" }) } end,
      "lgen.crypto.jwt: " },
  }
  for _, row in ipairs(rows) do
    local what, metadata, wanted = unpack(row)
    local got = error_with(metadata)
    check("a metadata function " .. what, got:find(wanted, 1, true) and (wanted == "mine" or got:find("grpc_calls.lua:", 1, true)), got)
    check("of a stream " .. what, raises(ch.open, ch, api:method "lgen.echo.Echo/BidiStream", { metadata = metadata })
      :find((wanted:gsub("ch:call", "ch:open")), 1, true))
  end
end

local function methods_and_types()
  check("a method knows its names", SayHello.name == "hello.Hello/SayHello" and SayHello.kind == "unary"
    and SayHello.input == "hello.Greeting" and SayHello.output == "hello.Introduction")
  local found = false
  for _, name in ipairs(api:types()) do found = found or name == "lgen.echo.EchoReply" end
  check("types lists messages", found)
  local message, err = api:decode("hello.Greeting", "\255\255\255")
  check("bytes that are no message give nil, err", message == nil and err.code == "INTERNAL", err)
end

lgen.scenario("calls", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1, max_duration = "60s" },
  run = function()
    replies()
    raw_bytes()
    metadata_goes_out()
    failures()
    backends()
    misuse()
    metadata_functions()
    methods_and_types()
    check("every test ran", true)
  end,
})
