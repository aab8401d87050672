-- The shortest useful plan over HTTP: say hello 200 times from 10 virtual users, and be content if 99 % take less than
-- 50 ms. --target is lgen-server's --http-port, or whatever answers GET /hellohttp.
local lgen = require "lgen"

lgen.plan { api = 1, name = "hello_http", about = "Requests to /hellohttp, on connections that are kept." }

assert(lgen.target) -- the client's base, with TLS or without, as its flags say
local web = lgen.http.client("web", { timeout = 1 })

lgen.scenario("hello", {
  load = lgen.load.shared_iterations { vus = 10, iterations = 200 },
  run = function(vu)
    local res, err = web:get("/hellohttp?name=vu" .. vu.id, { name = "hello" })
    lgen.check("answered", res and res.status == 200, err or res.status)
  end,
})

lgen.threshold("http_request_duration_seconds", "p(99) < 0.05")
