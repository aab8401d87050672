// Loads as plans write them and flags override them.
#include "lgen/check.h"
#include "mod_load.h"
#include "plan_support.h"

using namespace lgen;
using namespace lgen::test;

namespace {

std::string scenario_with(const std::string& load) {
  return "local lgen = require \"lgen\"\nlgen.scenario(\"s\", { load = lgen.load." + load +
         ",\n  run = function() end })\n";
}

/// What loading the plan fails with; "" when it does not.
std::string refusal(const std::string& text, const std::string& time_scale = "1") {
  PlanInput input;
  input.path = "p.lua";
  REQUIRE(input.options.set(OptionLayer::flags, "time-scale", {time_scale}, "--time-scale").ok());
  input.text = text;
  const auto report = check_plan(std::move(input));
  return report ? "" : report.error().message;
}

}  // namespace

TEST_CASE("a load that a plan gets wrong is told with its place, and the position in the list") {
  struct Row {
    std::string load, message;
  };
  const Row rows[] = {
      {"ramping_vus { stages = { {\"1s\", 5}, {\"2s\", -1} } }",
       "lgen.load.ramping_vus: stages[2]: target must be a whole number of at least 0, got -1"},
      {"ramping_vus { stages = { {\"1s\", 2.5} } }",
       "lgen.load.ramping_vus: stages[1]: target must be a whole number of at least 0, got 2.5"},
      {"ramping_vus { stages = { {duration = \"1s\", target = 5}, {\"2x\", 1} } }",
       "lgen.load.ramping_vus: stages[2]: duration: '2x' is no duration; write 250ms, 1.5s, 1m30s or a number of "
       "seconds"},
      {"ramping_vus { stages = { {duration = \"1s\"} } }",
       "lgen.load.ramping_vus: stages[1]: target is missing; write {duration, target}"},
      {"ramping_vus { stages = { {5} } }",
       "lgen.load.ramping_vus: stages[1]: target is missing; write {duration, target}"},
      {"ramping_vus { stages = { {1, 2, 3} } }",
       "lgen.load.ramping_vus: stages[1]: {duration, target} expected, got 3 values"},
      {"ramping_vus { stages = { {\"1s\", 5}, 7 } }",
       "lgen.load.ramping_vus: stages[2]: {duration, target} expected, got number 7"},
      {"ramping_vus { stages = { {duration = 1, tagret = 5} } }",
       "lgen.load.ramping_vus: stages[1]: unknown option 'tagret' (did you mean 'target'?)"},
      {"ramping_vus { stages = {} }", "lgen.load.ramping_vus: stages: a list of {duration, target} expected"},
      {"ramping_vus { stages = { {0, 5} } }", "lgen.load.ramping_vus: stages must be longer than 0 together, got 0s"},
      {"ramping_vus { stages = { {1, 0} } }",
       "lgen.load.ramping_vus: stages: no target is above 0, so nothing would run"},
      {"ramping_vus {}", "lgen.load.ramping_vus: stages is missing"},
      {"constant_rate { rate = -1, duration = 1, max_vus = 1 }",
       "lgen.load.constant_rate: rate must be a number above 0, got -1"},
      {"constant_rate { rate = 0, duration = 1, max_vus = 1 }",
       "lgen.load.constant_rate: rate must be a number above 0, got 0"},
      {"constant_rate { rate = 0/0, duration = 1, max_vus = 1 }",
       "lgen.load.constant_rate: rate must be a number above 0, got nan"},
      {"constant_rate { rate = 1e8, duration = 1, max_vus = 1 }",
       "lgen.load.constant_rate: rate must be at most 10000000 a second, got 1e+08"},
      {"constant_rate { rate = 1, duration = 1 }", "lgen.load.constant_rate: max_vus is missing"},
      {"constant_rate { rate = 1, max_vus = 1 }", "lgen.load.constant_rate: duration is missing"},
      {"constant_rate { duration = 1, max_vus = 1 }", "lgen.load.constant_rate: rate is missing"},
      {"constant_rate { rate = \"5\", duration = 1, max_vus = 1 }",
       "lgen.load.constant_rate: rate: number expected, got string \"5\""},
      {"constant_rate { rate = 1, duration = 1, max_vus = 1, arrivals = \"poison\" }",
       "lgen.load.constant_rate: arrivals: 'poison' is neither even nor poisson"},
      {"constant_rate { rate = 1, duration = 1, max_vus = 1, baklog = 1 }",
       "lgen.load.constant_rate: unknown option 'baklog' (did you mean 'backlog'?)"},
      {"ramping_rate { stages = { {1, 1e9} }, max_vus = 1 }",
       "lgen.load.ramping_rate: stages[1]: target must be at most 10000000 a second, got 1e+09"},
      {"external { max_vus = 2, vus = 3, duration = 1 }", "lgen.load.external: vus must be at most max_vus, 2, got 3"},
      {"held_streams { stages = { {1, 1} } }", "lgen.load.held_streams: open is missing"},
      {"held_streams { stages = { {1, 1} }, open = 5 }",
       "lgen.load.held_streams: open: function expected, got number 5"},
  };
  for (const Row& row : rows) {
    INFO(row.load);
    CHECK(refusal(scenario_with(row.load)) == "p.lua:2: " + row.message);
  }
  CHECK(refusal(scenario_with("ramping_vus { stages = { {\"1s\", 5}, {duration = 2, target = 1} } }")) == "");
  CHECK(refusal(scenario_with("ramping_rate { stages = { {0, 5}, {1, 0.5} }, max_vus = 3, backlog = 0 }")) == "");
}

TEST_CASE("only the executor that holds streams does without run") {
  CHECK(
      refusal("local lgen = require \"lgen\"\nlgen.scenario(\"s\", { load = lgen.load.external { max_vus = 1, duration "
              "= 1 } })\n") == "p.lua:2: lgen.scenario \"s\": run is missing");
}

TEST_CASE("what open returns must be a stream, and the message says whose open") {
  const std::string text = refusal(scenario_with("held_streams { stages = { {1, 1} },\n open = function() end }"));
  CHECK(text == "p.lua:3: open must return the stream that the virtual user holds (ch:open), got nil (scenario 's')");
}

TEST_CASE("flags override what a load has, and are refused where it has not") {
  using Kind = Load::Kind;
  const std::vector<Stage> stages = {{std::chrono::seconds(5), 10}};
  const Load ramp{.kind = Kind::ramping_vus, .vus = 0, .stages = stages};
  const Load held{.kind = Kind::held_streams, .vus = 0, .stages = stages};
  const Load rate{.kind = Kind::constant_rate, .duration = std::chrono::seconds(5), .rate = {10}, .max_vus = 4};
  const Load rising{.kind = Kind::ramping_rate, .stages = stages, .rate = {1}, .max_vus = 4};
  const Load external{.kind = Kind::external, .vus = 0, .duration = std::chrono::seconds(5), .max_vus = 4};
  const Load shared{.kind = Kind::shared_iterations, .iterations = 3};
  struct Row {
    Load load;
    std::vector<LoadOverride> flags;
    std::string expected;  // the load, or what is wrong
  };
  const std::string together = " together replace them by a constant load, --time-scale runs them faster";
  const Row rows[] = {
      {rate, {{"", "rate", "2.5"}, {"", "max-vus", "9"}, {"", "duration", "1m"}}, "2.5/s for 1m, at most 9 VUs"},
      {rate, {{"other", "rate", "2"}}, "10/s for 5s, at most 4 VUs"},
      {rate, {{"", "rate", "0"}}, "--rate: '0' is no number above 0"},
      {rate, {{"", "rate", "fast"}}, "--rate: 'fast' is no number above 0"},
      {rate, {{"", "rate", "1e9"}}, "scenario 's': rate must be at most 10000000 a second, got 1e+09"},
      {rate, {{"", "max-vus", "-1"}}, "--max-vus: '-1' is no number of at least 1"},
      {rate, {{"", "iterations", "3"}}, "10/s for 5s, at most 4 VUs"},
      {rate,
       {{"s", "iterations", "3"}},
       "--iterations: scenario 's' has the load constant_rate, which has no iterations"},
      {rate,
       {{"s", "vus", "3"}},
       "--vus: scenario 's' has the load constant_rate, which has no vus; --max-vus s=3 limits how many run at a time"},
      {rate, {{"s", "rate", "0", "c.json: scenarios.s.rate"}}, "c.json: scenarios.s.rate: '0' is no number above 0"},
      {external, {{"s", "vus", "3"}, {"s", "max-vus", "5"}}, "3 VUs for 5s, scaled from outside up to 5"},
      {external, {{"s", "vus", "5"}}, "scenario 's': vus must be at most max_vus, 4, got 5"},
      {ramp, {{"", "vus", "3"}, {"", "duration", "2s"}}, "3 VUs for 2s"},
      {ramp, {{"s", "vus", "3"}}, "--vus: scenario 's' has stages; --vus and --duration" + together},
      {ramp,
       {{"", "duration", "3"}},
       "--duration: scenario 's' has stages; --vus and --duration" + together +
           "; --duration NAME=3 is for one scenario alone"},
      {held, {{"", "vus", "3"}, {"", "duration", "2s"}}, "streams 3 -> 3 for 2s"},
      {rising, {{"", "rate", "3"}, {"", "duration", "2s"}}, "3/s for 2s, at most 4 VUs"},
      {rising, {{"", "max-vus", "7"}}, "per second 1 -> 10 in 5s, at most 7 VUs"},
      {rising, {{"s", "rate", "3"}}, "--rate: scenario 's' has stages; --rate and --duration" + together},
      {rising,
       {{"s", "start-rate", "0"}, {"s", "arrivals", "poisson"}, {"s", "backlog", "0s"}},
       "per second 0 -> 10 in 5s, at random, at most 4 VUs, backlog 0s"},
      {ramp, {{"s", "stages", "1s:2,0:0"}, {"s", "start-vus", "3"}}, "VUs 3 -> 2 in 1s -> 0 at once"},
      {ramp, {{"", "vus", "3"}, {"", "duration", "2s"}, {"s", "stages", "1s:2"}}, "VUs 0 -> 2 in 1s"},  // file > plan
      {ramp, {{"s", "stages", "1s:2"}, {"", "vus", "3"}, {"", "duration", "2s"}}, "3 VUs for 2s"},      // flag > file
      {ramp,
       {{"s", "stages", "0:2", "c.json: scenarios.s.stages"}},
       "c.json: scenarios.s.stages: scenario 's': stages must be longer than 0 together, got 0s"},
      {shared, {{"s", "max-duration", "5s"}}, "3 iterations shared by 1 VU (at most 5s)"},
      {rate,
       {{"s", "max-duration", "5s"}},
       "--max-duration: scenario 's' has the load constant_rate, which has no max-duration"},
  };
  for (const Row& row : rows) {
    INFO(row.expected);
    ScenarioSpec scenario{.name = "s", .load = row.load};
    Settings settings;
    settings.load_overrides = row.flags;
    const Outcome outcome = lua::override_scenario(scenario, {}, settings);
    CHECK((outcome ? describe_load(scenario.load) : outcome.error().message) == row.expected);
  }
}

TEST_CASE("a plan may fix any field that a flag could override") {
  const auto with = [](const std::string& fixed) {
    return "local lgen = require \"lgen\"\nlgen.scenario(\"s\", { load = lgen.load.external { max_vus = 1, duration = "
           "1 "
           "}, run = print, fixed = { " +
           fixed + " = \"as many as pods\" } })\n";
  };
  CHECK(refusal(with("max_vus")) == "");
  CHECK(refusal(with("start_after")) == "");
  CHECK(refusal(with("stags"))
            .starts_with("p.lua:2: lgen.scenario \"s\": fixed: nothing overrides 'stags'; there are vus, duration, "
                         "iterations, rate, "
                         "max-vus, start-vus, stages,"));
}

TEST_CASE("nested loops over tables see all of them, however often they have run") {
  // What LuaJIT's own pairs does not keep to once it has given up compiling the outer loop.
  CHECK(refusal(small_plan("", R"(
local inner = { 1, 2, 3, 4, 5 }
local outer = { a = inner, b = inner, c = inner, d = inner, e = inner }
local function interpreted(...) for _ = 1, 100 do end end
for i = 1, 60000 do
  interpreted()
  local count = 0
  for _, list in pairs(outer) do
    for _ in pairs(list) do end
    count = count + 1
  end
  assert(count == 5, ("round %d: %d of 5"):format(i, count))
end
for i = 1, 60000 do
  interpreted()
  local count = 0
  for _, list in next, outer do
    for _ in next, list do end
    count = count + 1
  end
  assert(count == 5, ("round %d by next: %d of 5"):format(i, count))
end
local ok, err = pcall(function() for _ in pairs(nil) do end end)
assert(not ok and err:find "bad argument #1 to 'pairs' %(table expected, got nil%)$", err)
)")) == "");
}

TEST_CASE("a faster time shortens what a plan waits of its own will, and no timeout") {
  // On a clock that jumps from timer to timer.
  const std::string plan = small_plan("", R"(
local function took(expected, fn)
  local begin = lgen.now()
  fn()
  local seconds = lgen.now() - begin
  assert(math.abs(seconds - expected) < 1e-6, seconds .. " instead of " .. expected)
end
took(1, function() lgen.sleep(10) end)
took(0.5, function() lgen.delay(5, 5) end)
took(0.4, function() for _ in lgen.every("2s", { count = 3 }) do end end)
took(0.3, function() for _ in lgen.every(1, { duration = 3 }) do end end)
took(3, function() lgen.sleep_until(lgen.now() + 3) end)
took(2, function() lgen.timeout(2, function() lgen.sleep(100) end) end)
)");
  CHECK(refusal(plan, "10") == "");
  CHECK(refusal(plan, "1") != "");
}
