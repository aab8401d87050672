-- GET as fast as it goes: every request an iteration, its answer looked at.
local lgen = require "lgen"

lgen.plan { api = 1, name = "bench_get" }

local opt = lgen.options {
  { "in-flight", "int", default = 32, help = "requests at a time" },
  { "requests", "int", default = 100000, help = "requests in all" },
  { "http", "string", default = "1.1", help = "which version of it" },
  { "connections", "int", default = 1000, help = "at most" },
}

local web = lgen.http.client("web", {
  base = "http://" .. lgen.target, version = opt.http, max_connections = opt.connections,
})

lgen.scenario("get", {
  load = lgen.load.shared_iterations { vus = opt.in_flight, iterations = opt.requests, max_duration = "1h" },
  run = function()
    local answer = assert(web:get("/"))
    if answer.status ~= 200 then error "not found" end
  end,
})
