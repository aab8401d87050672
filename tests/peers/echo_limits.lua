-- Messages too large for one side: the server refuses the request, lgen the reply, and the connection lives on.
local lgen = require "lgen"

lgen.plan { api = 1, name = "echo_limits", about = "Messages that are too large." }

local api = lgen.proto { files = { "echo.proto" } }
local Unary = api:method "lgen.echo.Echo/Unary"
local ServerStream = api:method "lgen.echo.Echo/ServerStream"
local ch = lgen.grpc.channel("plain", lgen.target)
local narrow = lgen.grpc.channel("narrow", lgen.target, { max_recv = "1KiB", max_send = "2KiB" })

local function refused(what, reply, err)
  lgen.check(what, not reply and err.code == "RESOURCE_EXHAUSTED", err or "a reply")
  return err and err.message or ""
end

lgen.scenario("limits", {
  load = lgen.load.per_vu_iterations { vus = 2, iterations = 3, max_duration = "60s" },
  run = function()
    refused("a request the server finds too large", ch:call(Unary, { payload = ("x"):rep(5 * 1024 * 1024) }))
    local said = refused("a reply lgen finds too large", narrow:call(Unary, { reply_size = 2000 }))
    lgen.check("both sizes are named", said:find("1024") and said:find("20%d%d"), said)
    said = refused("a request lgen finds too large", narrow:call(Unary, { payload = ("x"):rep(3000) }))
    lgen.check("both sizes are named", said:find("2048") and said:find("30%d%d"), said)
    local s = narrow:open(ServerStream)
    s:send { reply_size = 500, replies = 1 }
    lgen.check("a reply that fits", s:recv(20))
    lgen.check("the end after it", s:close(20) ~= nil or s:status().code == "OK", s:status())
    s = narrow:open(ServerStream)
    s:send { reply_size = 2000, replies = 3 }
    refused("a streamed reply lgen finds too large", s:recv(20))
    lgen.check("the connection lives on", narrow:call(Unary, { payload = "small" }))
  end,
})
