// Tasks and the rest of the plan API that needs no server, as plans use it.
#include <string>
#include <tuple>

#include "plan_support.h"

namespace lgen {
namespace {

using test::PlanFile;
using test::PlanRun;
using test::small_plan;

TEST_CASE("tasks behave as the plan API says") {
  PlanRun run(LGEN_LUA_TESTS "/tasks.lua");
  REQUIRE(run.load() == "");
  const Summary& summary = run.run();
  test::require_clean(summary);
  const auto hits = [&](std::initializer_list<std::pair<std::string_view, std::string_view>> labels) {
    return test::value_of(summary, "hits", make_labels(labels));
  };
  CHECK(hits({{"scenario", "test"}, {"who_tag", "parent"}}) == 10);
  CHECK(hits({{"scenario", "test"}, {"who_tag", "child"}}) == 1);
  CHECK(hits({{"scenario", "test"}, {"who_tag", "parent"}, {"group", "outer"}}) == 200);
  CHECK(hits({{"scenario", "test"}, {"who_tag", "parent"}, {"group", "inner"}}) == 1000);
  CHECK(hits({{"scenario", "test"}, {"who", "me"}}) == 10000);
  for (const char* turn : {"1", "2", "3"}) CHECK(hits({{"scenario", "test"}, {"turn", turn}}) == 1);
}

TEST_CASE("tags with a value for every call share one set beyond 1000, and the report names the tag") {
  const PlanFile plan(
      small_plan("local hits = lgen.counter(\"hits\", { max_series = 5000 })",
                 "lgen.tag(\"team\", \"a\")\n"
                 "hits:add()\n"
                 "for i = 1, 3000 do lgen.tag(\"user\", i); lgen.tag(\"even\", i % 2 == 0); hits:add() end\n"
                 "lgen.tag(\"even\", nil); lgen.tag(\"user\", nil); hits:add()\n"));
  PlanRun run(plan.path());
  REQUIRE(run.load() == "");
  const Summary& summary = run.run();
  CHECK(summary.errors.empty());
  const auto hits = [&](std::initializer_list<std::pair<std::string_view, std::string_view>> labels) {
    return test::value_of(summary, "hits", make_labels(labels));
  };
  CHECK(summary.metrics.find("hits")->series.size() == 1001);  // what lies between two tags is no set: nothing counted
  CHECK(hits({{"scenario", "test"}, {"team", "a"}}) == 2);
  CHECK(hits({{"scenario", "test"}, {"team", "a"}, {"user", "999"}, {"even", "false"}}) == 1);
  CHECK(hits({{"scenario", "test"}, {"overflow", "true"}}) == 2001);
  REQUIRE(summary.run.notes.size() == 1);
  CHECK(summary.run.notes[0] ==
        "tags: more than 1000 sets of tags; further ones are counted together with the label overflow=\"true\" ('user' "
        "of " +
            plan.path() + ":6 has 999 values; use fewer); that was done 2001 times");
}

/// A run of nothing but warm-up is refused.
const std::string kMeasuring =
    "lgen.scenario(\"measuring\", { load = lgen.load.per_vu_iterations { vus = 1, iterations = 1 }, run = function() "
    "end "
    "})\n";

TEST_CASE("checks in warm-up are counted apart and tell no first failure") {
  const auto checks_of = [](const std::string& phases) {
    const PlanFile plan(
        "local lgen = require \"lgen\"\nlgen.scenario(\"s\", { load = "
        "lgen.load.per_vu_iterations { vus = 1, iterations = 2 }, phases = { " +
        phases + " }, run = function(vu) lgen.check(\"fits\", vu.iter == 1, \"cold\") end })\n" + kMeasuring);
    PlanRun run(plan.path());
    REQUIRE(run.load() == "");
    const Summary& summary = run.run();
    REQUIRE(summary.checks.size() == 1);
    return summary.checks[0];
  };
  const CheckResult warm = checks_of("{ \"warmup\", \"1h\" }");
  CHECK(std::tuple(warm.passes, warm.fails, warm.first_failure) == std::tuple(0u, 0u, ""));
  CHECK(std::tuple(warm.warmup_passes, warm.warmup_fails) == std::tuple(1u, 1u));
  const CheckResult counted = checks_of("{ \"main\", \"1h\" }");
  CHECK(std::tuple(counted.passes, counted.fails, counted.first_failure) == std::tuple(1u, 1u, "cold"));
  CHECK(std::tuple(counted.warmup_passes, counted.warmup_fails) == std::tuple(0u, 0u));
}

TEST_CASE("errors in warm-up are counted apart") {
  const auto errors_of = [](const std::string& phases) {
    const PlanFile plan(
        "local lgen = require \"lgen\"\nlgen.scenario(\"s\", { load = "
        "lgen.load.per_vu_iterations { vus = 1, iterations = 2 }, phases = { " +
        phases + " }, run = function(vu) error(\"cold\") end })\n" + kMeasuring);
    PlanRun run(plan.path());
    REQUIRE(run.load() == "");
    std::vector<std::string> phases_told;
    run.plan().on_failure([&](const Failure& failure) { phases_told.emplace_back(failure.phase); });
    const Summary& summary = run.run();
    REQUIRE(summary.errors.size() == 1);
    CHECK(phases_told == std::vector<std::string>(2, phases.substr(3, phases.find('"', 3) - 3)));
    return summary.errors[0];
  };
  const ErrorSample warm = errors_of("{ \"warmup\", \"1h\" }");
  CHECK(std::tuple(warm.count, warm.warmup) == std::tuple(0u, 2u));
  const ErrorSample counted = errors_of("{ \"main\", \"1h\" }");
  CHECK(std::tuple(counted.count, counted.warmup) == std::tuple(2u, 0u));
}

TEST_CASE("time, random, metrics, distributions and JSON behave as the plan API says") {
  PlanRun run(LGEN_LUA_TESTS "/plan_api.lua");
  REQUIRE(run.load() == "");
  const Summary& summary = run.run();
  test::require_clean(summary);
  CHECK(run.total("total") == 11.5);
  CHECK(test::value_of(summary, "total", make_labels({{"overflow", "true"}, {"scenario", "test"}})) == 8.5);
  CHECK(test::value_of(summary, "level", make_labels({{"scenario", "test"}})) == 3.5);
  const SeriesSnapshot even = aggregate(*summary.metrics.find("latency"), make_labels({{"kind", "even"}}));
  CHECK(even.count == 5);
  REQUIRE(summary.distributions.size() == 1);
  CHECK(summary.distributions[0].table.row_names.size() == 4);
}

TEST_CASE("a task's memory is given back") {
  const PlanFile file(small_plan("", R"(
    local function round()
      for _ = 1, 200 do
        local t = lgen.spawn(function() local ok = pcall(lgen.sleep, 100) end)
        lgen.spawn(function() error {} end):cancel()
        lgen.yield()
        t:cancel()
      end
      collectgarbage()
      return collectgarbage "count"
    end
    round()
    local before = round()
    for _ = 1, 10 do round() end
    lgen.check("no growth", round() - before < 100, round() - before)
    lgen.check("every test ran", true)
  )"));
  PlanRun run(file.path());
  REQUIRE(run.load() == "");
  test::require_clean(run.run());
}

TEST_CASE("a run that is stopped from inside waits for its tasks") {
  const PlanFile file(small_plan("local ended = lgen.counter 'ended'", R"(
    for i = 1, 5 do
      lgen.spawn(function() for _ in lgen.every "1ms" do end ended:add() end)
    end
    lgen.spawn(function() lgen.sleep "5ms" lgen.stop "test" end)
    while not vu.stopping do lgen.sleep "1ms" end
    lgen.sleep "5ms"
  )"));
  PlanRun run(file.path());
  REQUIRE(run.load() == "");
  run.run();
  CHECK(run.total("ended") == 5);
  CHECK(run.loop().open_handles() == 0);
}

}  // namespace
}  // namespace lgen
