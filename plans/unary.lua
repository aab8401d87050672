-- How long does one call take at this rate? Unary calls begin at their own times, N of them at a time at most.
-- A plan to start from: put your own .proto, method and message in the three places marked YOURS.
local lgen = require "lgen"

lgen.plan { api = 1, name = "unary", about = "Unary calls at a steady rate, with a deadline for each." }

local opt = lgen.options {
  { "callers", "int", default = 10, min = 1, help = "virtual users: how many calls may run at a time" },
  { "per-second", "number", default = 100, min = 0, help = "calls a second; 0: as fast as the callers go" },
  { "timeout", "duration", default = "1s", help = "deadline of a call" },
  { "request-size", "size", default = "100B", help = "payload of a request" },
  { "reply-size", "size", default = "100B", help = "payload of a reply" },
  { "work", "duration", default = "0s", help = "how long the server takes over each" },
  { "p99", "duration", help = "fail unless 99 % of the calls take less" },
}

local api = lgen.proto { files = { "echo.proto" } } -- YOURS: { files = { "shop.proto" }, import_paths = { "protos" } }
local Unary = api:method "lgen.echo.Echo/Unary" -- YOURS: "shop.Orders/Place"
local ch = lgen.grpc.channel("main", lgen.target, { timeout = opt.timeout })

-- Encoded once, because every call sends the same. A table in its place is encoded anew for each call.
local request = api:message("lgen.echo.EchoRequest", { -- YOURS
  payload = ("x"):rep(opt.request_size), reply_size = opt.reply_size, delay_seconds = opt.work,
})

local load = lgen.load.constant_vus { vus = opt.callers, duration = "10s" } -- or what --duration says
if opt.per_second > 0 then
  load = lgen.load.constant_rate { rate = opt.per_second, duration = "10s", max_vus = opt.callers }
end

lgen.scenario("unary", {
  load = load,
  run = function()
    local reply, err = ch:call(Unary, request)
    lgen.check("replied", reply, err) -- failures are counted by code as well; a check makes them fail the run
  end,
})

if opt.p99 then lgen.threshold("grpc_call_duration_seconds", ("p(99) < %g"):format(opt.p99)) end
