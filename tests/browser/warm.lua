-- Three seconds of which the first is warm-up, with errors and checks in both; it needs no server.
local lgen = require "lgen"

lgen.plan { api = 1, name = "warm" }
lgen.scenario("work", {
  load = lgen.load.constant_vus { vus = 2, duration = "3s" },
  phases = { { "warmup", "1s" }, { "main", "2s" } },
  run = function(vu)
    lgen.sleep(0.02)
    lgen.check("even", vu.iter % 5 > 0)
    if vu.iter % 10 == 0 then error("every tenth") end
    if vu.iter == 3 then error("cold") end
  end,
})
