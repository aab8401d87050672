// Whole runs with the kinds that ramp, have a rate or are scaled from outside.
#include "run_harness.h"

using namespace lgen;
using namespace lgen::testing;

TEST_CASE("a rate starts what is due, and its books balance") {
  RunHarness run;
  run.add("s", constant_rate(100, 10s, 50), {.iteration = 200ms});
  const RunOutcome outcome = run.run();
  const ScenarioProgress& s = outcome.scenarios[0];
  CHECK(s.scheduled == 1000u);
  CHECK(s.total == 1000u);
  CHECK(s.succeeded == 1000);
  CHECK(s.load == "100/s for 10s, at most 50 VUs");
  CHECK(s.max_vus == 50);
  CHECK(run.logs["s"].most_running == 20);  // Little's law
  CHECK(run.measured("start_lag_seconds").histogram->max() == 0);
  CHECK(outcome.load_finished - outcome.load_started == 10200ms - 10ms);
}

TEST_CASE("phases of a rate go by the intended start") {
  RunHarness run;
  run.add("s", constant_rate(10, 10s, 1), {.iteration = 50ms}).phases = {{"warmup", 4s}, {"main", 1min}};
  const RunOutcome outcome = run.run();
  CHECK(run.measured("iterations", {{"phase", "warmup"}}).value == 40);
  CHECK(run.measured("iterations", {{"phase", "main"}}).value == 60);
  CHECK(outcome.scenarios[0].warmup == 4s);
  CHECK(outcome.scenarios[0].started_in_warmup == 40);
}

TEST_CASE("rates, ramps and held VUs run side by side, from their own starts") {
  RunHarness run;
  run.add("first", constant_rate(10, 10s, 5), {.iteration = 100ms});
  run.add("second", {.kind = Load::Kind::ramping_rate, .stages = {{10s, 20}, {10s, 0}}, .max_vus = 10},
          {.iteration = 100ms})
      .start_after = 5s;
  run.add("third", {.kind = Load::Kind::ramping_vus, .vus = 0, .stages = {{4s, 2}, {8s, 2}}}, {.iteration = 1s});
  auto& background =
      run.add("behind", {.kind = Load::Kind::external, .vus = 1, .duration = 1h, .max_vus = 4}, {.iteration = 1s});
  background.background = true;
  const RunOutcome outcome = run.run();
  CHECK(outcome.scenarios[0].succeeded == 100);
  CHECK(outcome.scenarios[1].succeeded == 200);
  CHECK(run.since_start(run.logs["second"].started[0].second.scheduled_at) == 5s);
  CHECK(outcome.scenarios[2].succeeded == 11 + 9);
  CHECK(outcome.load_finished - outcome.load_started >= 25s);
  CHECK(outcome.scenarios[3].succeeded >= 25);
  CHECK(outcome.scenarios[3].elapsed < 27s);  // ended with the others
}

TEST_CASE("only an external load is scaled, and only as far as it says") {
  RunHarness run;
  run.add("ext", {.kind = Load::Kind::external, .vus = 0, .duration = 10s, .max_vus = 4}, {.iteration = 1s});
  run.add("fix", constant_vus(1, 10s), {.iteration = 1s});
  Runner& runner = run.make();
  run.at(2s, [&] {
    CHECK(runner.scale_scenario("ext", 4).ok());
    CHECK(runner.scale_scenario("ext", 5).error().message == "scenario 'ext' has at most 4 VUs (its max_vus), got 5");
    CHECK(runner.scale_scenario("fix", 1).error().message ==
          "scenario 'fix' has the load constant_vus, which sets its VUs itself; only external is scaled");
    CHECK(runner.scale_scenario("exd", 1).error().message == "no scenario 'exd' (did you mean 'ext'?)");
  });
  run.at(4s, [&] { CHECK(runner.vus("ext") == 4u); });
  run.at(6s, [&] { CHECK(runner.scale_scenario("ext", 0).ok()); });
  const RunOutcome outcome = run.run();
  CHECK(outcome.scenarios[0].succeeded == 16);
}

TEST_CASE("a scenario stopped before its time has dropped nothing that was not due") {
  RunHarness run;
  run.add("rate", constant_rate(10, 1min, 5), {.iteration = 100ms});
  run.add("late", constant_rate(10, 1min, 5), {.iteration = 100ms}).start_after = 1h;
  Runner& runner = run.make();
  run.at(5050ms, [&] { CHECK(runner.stop_scenario("rate").ok()); });
  run.at(5060ms, [&] { CHECK(runner.stop_scenario("late").ok()); });
  const RunOutcome outcome = run.run();
  CHECK(outcome.scenarios[0].scheduled == 51u);
  CHECK(outcome.scenarios[0].succeeded == 51);
  CHECK(outcome.scenarios[0].dropped == 0);
  CHECK(outcome.scenarios[1].started == 0);
  CHECK(outcome.scenarios[1].dropped == 0);
}

TEST_CASE("a minute at a thousand a second ends where it should") {
  RunHarness run;
  run.add("s", constant_rate(1000, 1min, 20), {.iteration = 10ms});
  const RunOutcome outcome = run.run();
  CHECK(outcome.scenarios[0].scheduled == 60'000u);
  CHECK(outcome.scenarios[0].succeeded == 60'000);
}

TEST_CASE("books that do not balance are told") {
  ScenarioProgress s;
  s.name = "s";
  s.finished = true;
  s.scheduled = 10;
  s.started = 7;
  s.succeeded = 6;
  s.dropped = 2;
  CHECK(waiting_arrivals(s) == 1);
  CHECK(check_books({s}) ==
        "scenario 's': 7 iterations started, but 6 succeeded + 0 failed + 0 cancelled; "
        "scenario 's': 10 arrivals were due, but 7 started + 2 dropped");
  s.cancelled = 1;
  s.dropped = 3;
  CHECK(check_books({s}).empty());
}
