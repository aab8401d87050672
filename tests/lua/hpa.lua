-- lgen.hpa.simulate: what it reads, what it gives back, and its misuse. The arithmetic has tests of its own.
local lgen = require "lgen"
local check = lgen.check

local function is(what, got, wanted) check(what, got == wanted, got) end

local function raises(options)
  local ok, message = pcall(lgen.hpa.simulate, options)
  return not ok and tostring(message):gsub("^.-:%d+: ", "") or "no error"
end

local function with(more)
  local options = { stages = { { "5m", 120 }, { "10m", 120 }, { "1m", 0 } }, target = 15, min = 3, max = 10 }
  for key, value in pairs(more or {}) do options[key] = value ~= "none" and value or nil end
  return options
end

local function most(rounds)
  local desired = 0
  for _, round in ipairs(rounds) do desired = math.max(desired, round.desired) end
  return desired
end

local function a_ramp()
  local rounds = lgen.hpa.simulate(with { pod_start = "20s", length = "25m" })
  is("rounds", #rounds, 101)
  is("the first", rounds[1].at .. " " .. rounds[1].replicas .. " " .. rounds[1].ready, "0 3 3")
  is("the most", most(rounds), 8)
  is("load", rounds[21].load, 120)
  is("the last", rounds[#rounds].desired, 3)
  local whys = {}
  for _, round in ipairs(rounds) do whys[round.why] = true end
  check("why up", whys["load above target"])
  check("why not down yet", whys.ScaleDownStabilized)
end

local function as_measured()
  local rounds = lgen.hpa.simulate { load = { { 0, 45 }, { 60, 45 }, { 60, 150 }, { 120, 150 } }, target = 15, min = 3, max = 20 }
  is("as long as it was measured", rounds[#rounds].at, 120)
  is("before the jump", rounds[4].desired, 3)
  is("by the limit of a step", rounds[5].desired, 6)
  is("after it", rounds[#rounds].desired, 10)
end

local function cpu_and_behavior()
  local options = with { target = "none", cpu = { percent = 80, per_load = 0.012, request = 0.25 } }
  is("by cpu", most(lgen.hpa.simulate(options)), 7) -- 7.2 is within the tolerance
  options.cpu.request = nil
  local rounds = lgen.hpa.simulate(options)
  is("without a request", most(rounds), 3)
  is("and why", rounds[9].why, "FailedGetResourceMetric")
  local slow = { up = { policies = { { pods = 1, period = "1m" } } }, down = { select = "disabled" } }
  rounds = lgen.hpa.simulate(with { behavior = slow })
  is("one in a minute", rounds[21].desired, 6)
  is("never down", rounds[#rounds].desired, 8)
end

local function misuse()
  local rows = {
    { { stages = "none" }, "which load? either stages or load is needed" },
    { { load = { { 0, 1 } } }, "which load? either stages or load is needed" },
    { { stages = "none", load = {} }, "load: at least one {at, load} expected" },
    { { stages = "none", load = { { 2, 1 }, { 1, 1 } } }, "load[2]: it is before the point in front of it" },
    { { stages = "none", load = { { 2, -1 } } }, "load[1]: a load from 0 to 1e+09 expected, got -1" },
    { { stages = { { "5m" } } }, "stages[1]: target is missing; write {duration, target}" },
    { { max = 2 }, "max: at least 1 and min is needed" },
    { { max = "none" }, "max: at least 1 and min is needed" },
    { { target = "none" }, "which metric? target, cpu, or both" },
    { { target = 0 }, "target: a number above 0 is needed" },
    { { cpu = { percent = 80 } }, "cpu: per_load: a number above 0 is needed" },
    { { behavior = { up = { policies = { { pods = 1 } } } } }, "behavior: up: policies[1]: period: more than 0s and at most 30m is needed" },
    { { behavior = { up = { policies = { { pods = 1, period = "31m" } } } } }, "behavior: up: policies[1]: period: more than 0s and at most 30m is needed" },
    { { behavior = { down = { stabilization = "61m" } } }, "behavior: down: stabilization: at most 1h is possible" },
    { { behavior = { up = { policies = { { period = 1 } } } } }, "behavior: up: policies[1]: either pods or percent is needed" },
    { { behavior = { down = { select = "least" } } }, "behavior: down: select: 'least' is none of max, min, disabled" },
    { { sync_period = "10ms" }, "sync_period: at least 1s is needed" },
    { { length = "1000h", sync_period = 1 }, "that is more than 100000 rounds; shorten length" },
    { { tolerence = 1 }, "unknown option 'tolerence' (did you mean 'tolerance'?)" },
  }
  for _, row in ipairs(rows) do is(row[2], raises(with(row[1])), "lgen.hpa.simulate: " .. row[2]) end
end

lgen.scenario("hpa", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1 },
  run = function()
    a_ramp()
    as_measured()
    cpu_and_behavior()
    misuse()
    check("every test ran", true)
  end,
})
