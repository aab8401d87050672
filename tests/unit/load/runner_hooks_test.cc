// Setup, teardown, and the begin and end of VUs: their order, and what their failures mean.
#include <csignal>

#include "run_harness.h"

using namespace lgen;
using namespace lgen::testing;

namespace {

using Hook = std::function<Op(std::function<void(Outcome)>)>;

/// A setup or teardown that takes `length` and notes that it ran.
Hook takes(RunHarness& run, FakeLog& log, FakeScript& script, Duration length, std::optional<Error> error = {}) {
  return [&run, &log, &script, length, error](std::function<void(Outcome)> done) {
    ++log.begun;
    auto* operation = new FakeOperation(
        run.loop, log, script, length, [] { return IterationEnd::succeeded; },
        [done = std::move(done), error](IterationEnd end) {
          if (end == IterationEnd::cancelled) return done(make_error(ErrorCode::cancelled, "cancelled"));
          done(error ? Outcome(*error) : Outcome(Done{}));
        });
    return Op(operation);
  };
}

struct Hooks {
  explicit Hooks(RunHarness& harness) : run(harness) {
    run.spec.setup = takes(run, setup, script, 2s);
    run.spec.teardown = takes(run, teardown, script, 3s);
  }
  RunHarness& run;
  FakeScript script;
  FakeLog setup, teardown;
};

const Error kBroken = make_error(ErrorCode::invalid_argument, "plan.lua:7: no such file");

}  // namespace

TEST_CASE("setup comes before, teardown after the scenarios") {
  RunHarness run;
  Hooks hooks(run);
  run.add("s", constant_vus(1, 5s), {.iteration = 1s});
  const RunOutcome outcome = run.run();
  CHECK(outcome.end == RunEnd::completed);
  CHECK(run.since_start(run.logs["s"].started.front().second.scheduled_at) == 2s);
  CHECK(run.since_start(outcome.load_started) == 2s);
  CHECK(run.since_start(outcome.load_finished) == 7s);
  CHECK(run.since_start(outcome.finished) == 10s);
}

TEST_CASE("when setup fails neither scenarios nor teardown run") {
  RunHarness run;
  Hooks hooks(run);
  run.spec.setup = takes(run, hooks.setup, hooks.script, 2s, kBroken);
  run.add("s", iterations(kShared, 1, 5), {.iteration = 1s});
  RunOutcome outcome;
  run.make().start([&](const RunOutcome& result) {
    outcome = result;
    run.loop.stop();
  });
  run.loop.run();
  CHECK(outcome.end == RunEnd::plan_error);
  CHECK(outcome.reason == "plan.lua:7: no such file");
  CHECK(run.logs["s"].made == 0);
  CHECK(outcome.scenarios.at(0).started == 0);
  CHECK(hooks.teardown.begun == 0);
  CHECK(run.loop.open_handles() == 0);
}

TEST_CASE("a failing teardown is a plan error of an otherwise complete run") {
  RunHarness run;
  Hooks hooks(run);
  run.spec.teardown = takes(run, hooks.teardown, hooks.script, 1s, kBroken);
  run.add("s", constant_vus(1, 5s), {.iteration = 1s});
  const RunOutcome outcome = run.run();
  CHECK(outcome.end == RunEnd::plan_error);
  CHECK(outcome.scenarios[0].succeeded == 5);
}

TEST_CASE("a signal during setup cancels it") {
  RunHarness run;
  Hooks hooks(run);
  run.add("s", constant_vus(1, 5s), {.iteration = 1s});
  Duration finished{};
  SECTION("which it heeds") { finished = 1s; }
  SECTION("which it ignores: dropped after five seconds") {
    hooks.script.heeds_cancel = false;
    run.spec.setup = takes(run, hooks.setup, hooks.script, 1h);
    finished = 6s;
  }
  RunOutcome outcome;
  run.make().start([&](const RunOutcome& result) {
    outcome = result;
    run.loop.stop();
  });
  run.at(1s, [&] { run.runner->stop(SIGINT); });
  run.loop.run();
  CHECK(outcome.end == RunEnd::signal);
  CHECK(outcome.finished - outcome.started == finished);
  CHECK(run.logs["s"].made == 0);
  CHECK(hooks.teardown.begun == 0);
}

TEST_CASE("after a setup that succeeded in spite of a signal teardown runs, scenarios do not") {
  RunHarness run;
  Hooks hooks(run);
  hooks.script.heeds_cancel = false;
  run.add("s", constant_vus(1, 5s), {.iteration = 1s});
  RunOutcome outcome;
  run.make().start([&](const RunOutcome& result) {
    outcome = result;
    run.loop.stop();
  });
  run.at(1s, [&] { run.runner->abort("why not"); });
  run.loop.run();
  CHECK(outcome.end == RunEnd::aborted);
  CHECK(run.logs["s"].made == 0);
  CHECK(hooks.teardown.begun == 1);
  CHECK(outcome.finished - outcome.started == 5s);
}

TEST_CASE("a teardown that never ends is cancelled after stop_timeout once the run is to end") {
  RunHarness run;
  Hooks hooks(run);
  run.spec.teardown = takes(run, hooks.teardown, hooks.script, 24h);
  run.add("s", constant_vus(1, 5s), {.iteration = 1s});
  Duration finished{};
  SECTION("a signal before it") {
    run.at(4s, [&] { run.runner->stop(SIGINT); });
    finished = 4s + 10s;
  }
  SECTION("a signal while it runs") {
    run.at(60s, [&] { run.runner->stop(SIGINT); });
    finished = 60s + 10s;
  }
  SECTION("and it ignores the cancel") {
    hooks.script.heeds_cancel = false;
    run.at(60s, [&] { run.runner->stop(SIGINT); });
    finished = 60s + 10s + 5s;
  }
  const RunOutcome outcome = run.run();
  CHECK(outcome.end == RunEnd::signal);
  CHECK(outcome.finished - outcome.started == finished);
}

TEST_CASE("a VU that cannot begin ends the run as a plan error") {
  RunHarness run;
  run.add("s", constant_vus(2, 1h), {.begin = 1s, .iteration = 1s, .begin_result = IterationEnd::failed});
  const RunOutcome outcome = run.run();
  CHECK(outcome.end == RunEnd::plan_error);
  CHECK(outcome.reason == "scenario 's': virtual user 1 failed in begin()");
  CHECK(outcome.scenarios[0].started == 0);
  CHECK(run.logs["s"].ended == 0);
}

TEST_CASE("a VU that cannot end makes the run a plan error") {
  RunHarness run;
  run.add("s", iterations(kPerVu, 2, 3), {.end = 1s, .iteration = 1s, .end_result = IterationEnd::failed});
  const RunOutcome outcome = run.run();
  CHECK(outcome.end == RunEnd::plan_error);
  CHECK(outcome.scenarios[0].succeeded == 6);
}

TEST_CASE("a begin or an end that never ends holds up nothing for ever") {
  RunHarness run;
  SECTION("begin") {
    run.add("s", constant_vus(2, 10s), {.begin = 24h, .iteration = 1s});
    const RunOutcome outcome = run.run();
    CHECK(outcome.end == RunEnd::completed);
    CHECK(outcome.finished - outcome.started == 40s);
    CHECK(outcome.scenarios[0].started == 0);
  }
  SECTION("end") {
    run.add("s", constant_vus(2, 10s), {.end = 24h, .iteration = 1s}).graceful_stop = 0s;
    const RunOutcome outcome = run.run();
    CHECK(outcome.end == RunEnd::completed);
    CHECK(outcome.finished - outcome.started == 15s);
  }
}

TEST_CASE("a run that cannot work is refused before anything starts") {
  struct Row {
    std::string scenario;
    std::function<void(RunHarness&)> make;
    std::string reason;
  };
  const Row rows[] = {
      {"no scenario", [](RunHarness&) {}, "the plan has no scenario to run"},
      {"a bad load", [](RunHarness& run) { run.add("s", constant_vus(0, 1s)); },
       "scenario 's': vus must be at least 1, got 0"},
      {"a name twice",
       [](RunHarness& run) {
         run.add("s", constant_vus(1, 1s));
         run.add("s", constant_vus(1, 1s));
       },
       "scenario 's': the name is used twice"},
      {"no VUs to be had", [](RunHarness& run) { run.add("s", constant_vus(1, 1s)).make_vu = nullptr; },
       "scenario 's': it has nothing that makes its virtual users"},
  };
  for (const Row& row : rows) {
    INFO(row.scenario);
    RunHarness run;
    Hooks hooks(run);
    row.make(run);
    const RunOutcome outcome = run.run();
    CHECK(outcome.end == RunEnd::plan_error);
    CHECK(outcome.reason == row.reason);
    CHECK(hooks.setup.begun == 0);
    CHECK(hooks.teardown.begun == 0);
  }
}

TEST_CASE("a run stopped before it started finishes at once") {
  RunHarness run;
  Hooks hooks(run);
  run.add("s", constant_vus(1, 1h), {.iteration = 1s});
  run.make().stop(SIGTERM);
  RunOutcome outcome;
  run.runner->start([&](const RunOutcome& result) {
    outcome = result;
    run.loop.stop();
  });
  run.loop.run();
  CHECK(outcome.reason == "SIGTERM");
  CHECK(hooks.setup.begun == 0);
}

TEST_CASE("a scenario stopped in setup never starts") {
  RunHarness run;
  Hooks hooks(run);
  run.add("s", constant_vus(1, 1h), {.iteration = 1s});
  run.add("t", constant_vus(1, 3s), {.iteration = 1s});
  run.at(1s, [&] { CHECK(run.runner->stop_scenario("s").ok()); });
  const RunOutcome outcome = run.run();
  CHECK(outcome.scenarios[0].started == 0);
  CHECK(outcome.scenarios[1].started == 3);
}

TEST_CASE("the runner may be destroyed by its own end") {
  RunHarness run;
  run.add("s", constant_vus(2, 2s), {.iteration = 1s});
  bool finished = false;
  run.make().start([&](const RunOutcome&) {
    run.runner.reset();
    finished = true;
  });
  run.loop.run_until([&] { return finished; });
  CHECK(run.loop.open_handles() == 0);
}
