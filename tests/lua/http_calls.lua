-- lgen.http against a real server, which tests/integration/test_http.py starts: requests, answers, errors, misuse.
local lgen = require "lgen"
local check = lgen.check
local web = lgen.http.client("web", { headers = { ["x-base"] = "from-client" }, follow = 3 })
local apart = lgen.http.client("apart", { keepalive = false })
local nowhere = lgen.http.client("nowhere", { base = "http://127.0.0.1:1" })
local strict = lgen.http.client("strict", { max_body = 100, timeout = "2s" })

local function raises(fn, ...)
  local ok, message = pcall(fn, ...)
  return not ok and tostring(message) or "no error"
end

local function answers()
  local res, err = web:get("/hello?a=b")
  check("an answer comes without an error", res and err == nil, err)
  check("it has status and reason", res.status == 200 and res.reason == "OK", tostring(res))
  check("it has the body", res.body == "hello", res.body)
  check("names of headers are in lower case", res.headers["x-backend"] == "pod-a", res.headers["x-backend"])
  check("the backend is the header x-backend", res.backend == "pod-a", res.backend)
  check("the peer is an address", "http://" .. res.peer == web.base, res.peer)
  check("the first request makes a connection", not res.reused and res.connection == "web#1", res.connection)
  check("making it takes time", res.timing.connect > 0 and res.timing.tls == 0)
  check("the steps are parts of the whole", res.timing.first_byte > 0 and res.timing.total >= res.timing.first_byte)
  local again = web:get(web.base .. "/hello")
  check("the second one takes the same connection", again.reused and again.connection == "web#1")
  check("and making it takes no time", again.timing.connect == 0)
  check("a 404 is an answer", web:get("/absent").status == 404)
  check("a 500 is an answer", web:get("/broken").status == 500)
  check("tostring tells it", tostring(again):find("^200 OK, 5 bytes from http"), tostring(again))
end

local function what_is_sent()
  check("the client's headers go out", web:get("/echo/base").body == "from-client", web:get("/echo/base").body)
  check("a request may replace them",
    web:get("/echo/base", { headers = { ["X-Base"] = "from-request" } }).body == "from-request")
  check("all methods work", web:put("/method", "x").body == "PUT" and web:delete("/method").body == "DELETE"
    and web:patch("/method", "x").body == "PATCH" and web:request("PURGE", "/method").body == "PURGE"
    and web:post("/method").body == "POST")
  local head = web:head("/hello")
  check("HEAD has no body and lets the connection live", head.status == 200 and head.body == ""
    and web:get("/hello").reused)
  check("a body goes out", web:post("/size", ("x"):rep(100000)).body == "100000")
  check("json is encoded and announced", web:post("/type", { json = { a = { 1, 2 } } }).body == "application/json 11",
    web:post("/type", { json = { a = { 1, 2 } } }).body)
end

local function what_comes()
  check("JSON is decoded", web:get("/json"):json().list[2] == "b")
  local value, wrong = web:get("/hello"):json()
  check("what is no JSON says so", value == nil and wrong:find("parse error"), wrong)
  check("gzip is unpacked", web:get("/packed.txt").body == ("packed "):rep(400))
  local empty = web:get("/empty")
  check("204 has no body", empty.status == 204 and empty.body == "" and web:get("/hello").reused)
  local moved = web:get("/moved")
  check("redirects are followed", moved.status == 200 and moved.body == "hello" and moved.url == web.base .. "/hello")
  check("and every hop is told", #moved.hops == 2 and moved.hops[1].status == 301 and moved.hops[2].status == 302
    and moved.hops[1].url == web.base .. "/moved", #moved.hops)
  check("as many as are allowed", web:get("/loop").status == 302 and #web:get("/loop").hops == 3)
end

local function connections()
  local first, second = apart:get("/hello"), apart:get("/hello")
  check("keepalive = false makes one for each request", not second.reused and second.connection == "apart#2")
  check("and says so", apart:get("/echo/connection").body == "close", apart:get("/echo/connection").body)
end

local function failures()
  local res, err = nowhere:get("/")
  check("nobody there is nil, err", res == nil and err.kind == "connect" and err.code == "UNAVAILABLE", err)
  check("the error tells what it was doing", tostring(err):find("GET http://127.0.0.1:1/: nobody listens", 1, true), err)
  check("the record is in the error", err.call.status == 0 and err.call.peer == "" and err.call.timing.total > 0)
  local _, large = strict:get("/packed.txt")
  check("a body beyond max_body is an error", large and large.kind == "closed" and large.message:find("100 bytes"), large)
  local _, late = web:get("/slow", { timeout = "50ms" })
  check("a late answer is a timeout", late and late.kind == "timeout" and late.code == "DEADLINE_EXCEEDED", late)
end

local function misuse()
  check("an unknown option raises", raises(web.get, web, "/", { timeuot = 1 })
    :find("c:get: unknown option 'timeuot' (did you mean 'timeout'?)", 1, true), raises(web.get, web, "/", { timeuot = 1 }))
  check("an unknown option of a client raises", raises(lgen.http.client, "x", { bse = "http://a" })
    :find('lgen.http.client "x": unknown option \'bse\' (did you mean \'base\'?)', 1, true))
  check("a path without a slash raises", raises(web.get, web, "hello"):find("neither a path", 1, true))
  check("a body that is a table raises", raises(web.post, web, "/", {}, {}):find("json = ", 1, true))
  check("a body twice raises", raises(web.post, web, "/", "x", { json = 1 }):find("leave one out", 1, true))
  check("a bad URL raises", raises(web.get, web, "http://a b/"):find("is no URL to ask", 1, true))
  check("a header that breaks out raises", raises(web.get, web, "/", { headers = { a = "b\r\nc: d" } })
    :find("the header 'a' cannot be sent", 1, true))
  check("a bad method raises", raises(web.request, web, "A B", "/"):find("'A B' is no HTTP method", 1, true))
  check("a bad base raises", raises(lgen.http.client, "x", { base = "ftp://a" }):find("base: ", 1, true))
  check("an unknown field of an answer raises", raises(function() return web:get("/hello").stats end)
    :find("did you mean 'status'?", 1, true))
  check("a backend by trailer raises", raises(lgen.http.client, "x", { backend = { trailer = "t" } })
    :find("use header, field or peer", 1, true))
end

lgen.scenario("http", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1 },
  run = function()
    answers()
    what_is_sent()
    what_comes()
    connections()
    failures()
    misuse()
  end,
})
