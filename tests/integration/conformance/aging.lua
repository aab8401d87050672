-- Each user has a connection with a stream that is never closed, and calls beside it until the server has ended the
-- stream, because the connection was too old.
local lgen = require "lgen"

lgen.plan { api = 1, name = "aging", about = "Connections that a server lets go in good order." }

local opt = lgen.options { { "users", "int", default = 3, min = 1, help = "virtual users, with a channel each" } }

local api = lgen.proto { files = { "echo.proto" } }
local Unary = api:method "lgen.echo.Echo/Unary"
local BidiStream = api:method "lgen.echo.Echo/BidiStream"
local pool = lgen.grpc.pool("main", lgen.target, { size = opt.users, wait_for_ready = true })

lgen.scenario("aging", {
  load = lgen.load.per_vu_iterations { vus = opt.users, iterations = 1, max_duration = "60s" },
  run = function(vu)
    local ch = pool[vu.id]
    local s = ch:open(BidiStream)
    s:send {}
    assert(s:recv(20))
    local over = false
    local caller = lgen.spawn(function()
      repeat
        local reply, err = ch:call(Unary, {})
        lgen.check("no call is lost", reply, err)
        lgen.sleep(0.01)
      until over
    end)
    local _, status = s:recv(30)
    lgen.check("the stream is ended when its time is up", status and status.code == "UNAVAILABLE", status)
    over = true
    caller:join()
  end,
})
