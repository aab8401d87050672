-- One call and one stream to --target, and what came of them: who was asked for, or what went wrong.
local lgen = require "lgen"

lgen.plan { api = 1, name = "reach", about = "Whether a server can be reached, and as whom." }

local opt = lgen.options { { "attempt", "duration", default = "20s", help = "time for an attempt to connect" } }

local api = lgen.proto { files = { "echo.proto" } }
local Unary = api:method "lgen.echo.Echo/Unary"
local BidiStream = api:method "lgen.echo.Echo/BidiStream"
local ch = lgen.grpc.channel("main", lgen.target, { backoff = { min = opt.attempt } })

local function tell(form, reply, err)
  lgen.event("ended", {
    form = form, code = reply and "OK" or err.code, kind = reply and "" or err.kind,
    authority = reply and reply.authority or "", message = err and err.message or "",
  })
end

lgen.scenario("reach", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1 },
  run = function()
    tell("unary", ch:call(Unary, {}, { timeout = 20 }))
    local s = ch:open(BidiStream, { timeout = 20 })
    s:send {}
    s:half_close()
    tell("stream", s:recv(20))
    s:close(20)
  end,
})
