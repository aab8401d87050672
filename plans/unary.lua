-- How long does one call take at this rate? N callers share a steady rate of unary calls and wait for each reply.
-- A plan to start from: put your own .proto, method and message in the three places marked YOURS.
local lgen = require "lgen"

lgen.plan { api = 1, name = "unary", about = "Unary calls at a steady rate, with a deadline for each." }

local opt = lgen.options {
  { "callers", "int", default = 10, min = 1, help = "virtual users: how many calls may run at a time" },
  { "per-second", "number", default = 100, min = 0,
    help = "calls a second, all callers together; 0: as fast as they go" },
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

local function call()
  local reply, err = ch:call(Unary, request)
  lgen.check("replied", reply, err) -- failures are counted by code as well; a check makes them fail the run
end

lgen.scenario("unary", {
  load = lgen.load.constant_vus { vus = opt.callers, duration = "10s" }, -- or what --duration says
  run = function(vu)
    if opt.per_second == 0 then return call() end -- and again, until the time is up
    lgen.sleep((vu.index - 1) / opt.per_second) -- callers take turns
    for _ in lgen.every(opt.callers / opt.per_second) do call() end -- ends with the run
  end,
})

if opt.p99 then lgen.threshold("grpc_call_duration_seconds", ("p(99) < %g"):format(opt.p99)) end
