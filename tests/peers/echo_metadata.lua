-- What travels beside the messages: metadata both ways, trailers, rich errors, the user agent, compressed replies.
-- The echo servers give back the metadata echo-KEY as headers and trail-KEY as trailers.
local lgen = require "lgen"

lgen.plan { api = 1, name = "echo_metadata", about = "Metadata, trailers, error details, user agent, compression." }

local api = lgen.proto { files = { "echo.proto", "rpc_status.proto" } }
local Unary = api:method "lgen.echo.Echo/Unary"
local ServerStream = api:method "lgen.echo.Echo/ServerStream"
local BidiStream = api:method "lgen.echo.Echo/BidiStream"
local ch = lgen.grpc.channel("main", lgen.target, {
  user_agent = "lgen-peers/1", metadata = { ["echo-channel"] = "c" },
})

local BYTES = "\0\1\254\255 not text"

-- Whether headers and trailers hold what the metadata below ask for.
local function check_echo(how, headers, trailers)
  lgen.check(how .. ": header", headers["echo-word"] == "a word, with = and ;", headers["echo-word"])
  lgen.check(how .. ": binary header", headers["echo-some-bin"] == BYTES)
  lgen.check(how .. ": empty binary header", headers["echo-none-bin"] == "")
  local twice = headers["echo-twice"]
  if type(twice) == "table" then twice = table.concat(twice, ", ") end -- HTTP servers may do so; Node.js does
  lgen.check(how .. ": header with two values", twice == "1, 2", twice)
  lgen.check(how .. ": the channel's header", headers["echo-channel"] == "c")
  lgen.check(how .. ": user agent", (headers["x-user-agent"] or ""):match("^lgen%-peers/1 ") ~= nil)
  lgen.check(how .. ": trailer", trailers["trail-word"] == "at last")
  lgen.check(how .. ": binary trailer", trailers["trail-some-bin"] == BYTES)
  lgen.check(how .. ": headers are no trailers", trailers["echo-word"] == nil and headers["trail-word"] == nil)
end

local metadata = {
  ["echo-word"] = "a word, with = and ;", ["echo-twice"] = { "1", "2" },
  ["echo-some-bin"] = BYTES, ["echo-none-bin"] = "",
  ["trail-word"] = "at last", ["trail-some-bin"] = BYTES,
}

local function scenario(name, run)
  lgen.scenario(name, { load = lgen.load.per_vu_iterations { vus = 2, iterations = 3 }, run = run })
end

scenario("unary", function()
  local _, err, call = ch:call(Unary, {}, { metadata = metadata })
  assert(call, err)
  check_echo("unary", call.headers, call.trailers)
end)

scenario("streams", function()
  for how, method in pairs { server = ServerStream, bidi = BidiStream } do
    local s = ch:open(method, { metadata = metadata })
    s:send { payload = "x" }
    assert(s:recv(20))
    s:close(20)
    check_echo(how, s:headers(), s:trailers())
  end
end)

scenario("metadata made for each call", function(vu)
  local n = 0
  local function fresh()
    n = n + 1
    return { ["echo-token"] = ("token %d/%d/%d"):format(vu.id, vu.iter, n) }
  end
  for k = 1, 3 do
    local _, _, call = ch:call(Unary, {}, { metadata = fresh })
    lgen.check("a token for each call", call.headers["echo-token"] == ("token %d/%d/%d"):format(vu.id, vu.iter, k))
  end
end)

-- A google.rpc.Status in `details`, and the ErrorInfo inside.
local function check_details(how, err)
  lgen.check(how .. ": the plain part", err.code == "FAILED_PRECONDITION" and err.message == "not now", err)
  local status = assert(api:decode("google.rpc.Status", err.details))
  lgen.check(how .. ": code and message again", status.code == 9 and status.message == "not now")
  local detail = status.details[1]
  lgen.check(how .. ": what the detail is", detail["@type"] == "type.googleapis.com/google.rpc.ErrorInfo",
    detail["@type"])
  lgen.check(how .. ": what the detail says", detail.reason == "OUT_OF_STOCK" and detail.metadata.cost == "42")
  lgen.check(how .. ": trailers beside it", err.trailers["trail-word"] == "at last")
end

local FAILS = { status_code = 9, status_message = "not now" }
local reason = { ["fail-reason"] = "OUT_OF_STOCK", ["trail-word"] = "at last" }

scenario("rich errors", function()
  local _, err = ch:call(Unary, FAILS, { metadata = reason })
  check_details("unary", err)
  local s = ch:open(BidiStream, { metadata = reason })
  s:send(FAILS)
  _, err = s:recv(20)
  check_details("bidi", err)
end)

scenario("compressed replies", function()
  local asked = { metadata = { ["gzip-replies"] = "yes" } }
  local reply = assert(ch:call(Unary, { reply_size = 100000 }, asked))
  lgen.check("a compressed reply", reply.payload == ("x"):rep(100000))
  local s = ch:open(ServerStream, asked)
  s:send { reply_size = 100000, replies = 3 }
  s:half_close()
  for message in s:messages() do lgen.check("compressed messages", message.payload == ("x"):rep(100000)) end
  lgen.check("three of them", s.received == 3 and s:status().code == "OK", s:status())
end)
