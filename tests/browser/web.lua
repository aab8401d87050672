-- Three seconds of requests over HTTP, to the page where the stand-in cluster lists its pods: answers, and pages that
-- are not there. It closes every connection after its answer.
local lgen = require "lgen"

lgen.plan { api = 1, name = "web" }
local base, path = lgen.metrics:match "^sd%+(http://[^/]+)(.*)$"
local web = lgen.http.client("web", { base = base })

lgen.scenario("pages", {
  load = lgen.load.constant_vus { vus = 4, duration = "3s" },
  run = function(vu)
    lgen.check("answered", web:get(vu.iter % 10 == 0 and "/absent" or path))
    lgen.sleep(0.01)
  end,
})
