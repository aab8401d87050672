// How runs end that do not end by themselves: graceful stop, cancel, signals, abort; and that nothing gets lost then.
#include <csignal>

#include "run_harness.h"

using namespace lgen;
using namespace lgen::testing;

TEST_CASE("at the end of the duration VUs are asked to stop and may finish") {
  RunHarness run;
  run.add("s", constant_vus(3, 10s), {.iteration = 1h, .heeds_stop = true});
  const RunOutcome outcome = run.run();
  CHECK(outcome.scenarios[0].succeeded == 3);
  CHECK(outcome.finished - outcome.started == 10s);
  CHECK(run.logs["s"].cancels == 0);
  CHECK(run.logs["s"].ended == 3);
}

TEST_CASE("what does not finish within graceful_stop is cancelled") {
  RunHarness run;
  run.add("s", constant_vus(3, 10s), {.end = 1s, .iteration = 1h}).graceful_stop = 20s;
  const RunOutcome outcome = run.run();
  CHECK(outcome.end == RunEnd::completed);
  CHECK(outcome.scenarios[0].cancelled == 3);
  CHECK(run.measured("iterations").value == 0);
  CHECK(outcome.finished - outcome.started == 31s);
  CHECK(run.logs["s"].asked == 3);
  CHECK(run.logs["s"].cancels == 3);
  CHECK(run.logs["s"].ended == 3);
}

TEST_CASE("graceful_stop of zero cancels at once") {
  RunHarness run;
  run.add("s", constant_vus(2, 10s), {.iteration = 1h}).graceful_stop = 0s;
  const RunOutcome outcome = run.run();
  CHECK(outcome.scenarios[0].cancelled == 2);
  CHECK(outcome.finished - outcome.started == 10s);
}

TEST_CASE("a VU that ignores even the cancel is dropped after five seconds, without end()") {
  RunHarness run;
  run.add("stuck", constant_vus(2, 10s), {.iteration = 1h, .heeds_cancel = false}).graceful_stop = 20s;
  run.add("fine", constant_vus(1, 10s), {.iteration = 1s});
  const RunOutcome outcome = run.run();
  CHECK(outcome.scenarios[0].cancelled == 2);
  CHECK(outcome.scenarios[1].succeeded == 10);
  CHECK(outcome.finished - outcome.started == 35s);
  CHECK(run.logs["stuck"].dropped == 2);
  CHECK(run.logs["stuck"].ended == 0);
}

TEST_CASE("an iteration that succeeds in spite of the cancel counts as it ended") {
  RunHarness run;
  run.add("s", constant_vus(1, 10s), {.iteration = 12s, .heeds_cancel = false}).graceful_stop = 1s;
  const RunOutcome outcome = run.run();
  CHECK(outcome.scenarios[0].succeeded == 1);
  CHECK(outcome.finished - outcome.started == 12s);
}

TEST_CASE("a signal stops the run: the shorter of graceful_stop and stop_timeout, then cancel") {
  struct Row {
    std::string scenario;
    Duration graceful_stop, stop_timeout, finished;
  };
  const Row rows[] = {
      {"stop_timeout is shorter", 30s, 10s, 15s},
      {"graceful_stop is shorter", 3s, 10s, 8s},
      {"no time at all", 30s, 0s, 5s},
  };
  for (const Row& row : rows) {
    INFO(row.scenario);
    RunHarness run;
    run.add("s", constant_vus(3, 1h), {.iteration = 2h}).graceful_stop = row.graceful_stop;
    run.spec.stop_timeout = row.stop_timeout;
    bool torn_down = false;
    run.spec.teardown = [&](auto) {
      torn_down = true;
      return Op();
    };
    run.at(5s, [&] { run.runner->stop(SIGINT); });
    const RunOutcome outcome = run.run();
    CHECK(outcome.end == RunEnd::signal);
    CHECK(outcome.reason == "SIGINT");
    CHECK(outcome.signal == SIGINT);
    CHECK(outcome.scenarios[0].cancelled == 3);
    CHECK(outcome.finished - outcome.started == row.finished);
    CHECK(run.logs["s"].ended == 3);
    CHECK(torn_down);
  }
}

TEST_CASE("after a signal no iteration starts and what is short still ends well") {
  RunHarness run;
  run.add("s", iterations(kShared, 4, 1000), {.iteration = 2s});
  run.at(5s, [&] { run.runner->stop(SIGTERM); });
  const RunOutcome outcome = run.run();
  CHECK(outcome.reason == "SIGTERM");
  CHECK(outcome.scenarios[0].succeeded == 12);
  CHECK(outcome.scenarios[0].cancelled == 0);
  CHECK(outcome.scenarios[0].dropped == 988);
  CHECK(outcome.finished - outcome.started == 6s);
}

TEST_CASE("a signal during the graceful stop shortens it") {
  RunHarness run;
  run.add("s", constant_vus(2, 10s), {.iteration = 1h});
  run.spec.stop_timeout = 2s;
  run.at(15s, [&] { run.runner->stop(SIGINT); });
  const RunOutcome outcome = run.run();
  CHECK(outcome.finished - outcome.started == 17s);
  CHECK(outcome.scenarios[0].cancelled == 2);
}

TEST_CASE("the first reason to end stays, later ones change nothing") {
  RunHarness run;
  run.add("s", constant_vus(1, 1h), {.iteration = 2h});
  run.at(1s, [&] {
    run.runner->abort("enough");
    run.runner->stop(SIGINT);
    run.runner->fail("too late");
  });
  run.at(2s, [&] { run.runner->stop(SIGINT); });
  const RunOutcome outcome = run.run();
  CHECK(outcome.end == RunEnd::aborted);
  CHECK(outcome.reason == "enough");
  CHECK(outcome.signal == 0);
  CHECK(outcome.finished - outcome.started == 11s);
}

TEST_CASE("a run may be aborted from inside a VU, at any point of an iteration") {
  RunHarness run;
  SECTION("when it starts") {
    run.add("s", constant_vus(5, 1h), {.iteration = 1s, .on_start = [&](const Iteration& i) {
                                         if (i.global == 7) run.runner->abort("seventh");
                                       }});
  }
  SECTION("in its completion") {
    run.add("s", constant_vus(5, 1h), {.iteration = 1s, .result = [&](const Iteration& i) {
                                         if (i.global == 2) run.runner->abort("seventh");
                                         return IterationEnd::succeeded;
                                       }});
  }
  run.add("other", constant_vus(1, 1h), {.iteration = 2h, .heeds_stop = true});
  const RunOutcome outcome = run.run();
  CHECK(outcome.end == RunEnd::aborted);
  CHECK(outcome.reason == "seventh");
  CHECK(outcome.scenarios[0].cancelled == 0);
  CHECK(outcome.scenarios[0].started >= 5);
  CHECK(outcome.scenarios[0].started <= 8);
  CHECK(outcome.scenarios[1].succeeded == 1);
}

TEST_CASE("abort in the middle with time for nothing keeps the books") {
  RunHarness run;
  run.add("s", constant_vus(500, 1h), {.begin = 1s, .end = 1s, .iteration = 700ms}).graceful_stop = 0s;
  run.at(5'100ms, [&] { run.runner->abort("now"); });
  const RunOutcome outcome = run.run();
  const ScenarioProgress& s = outcome.scenarios[0];
  CHECK(s.cancelled == 500);
  CHECK(s.succeeded == 500 * 5);
  CHECK(run.logs["s"].ended == 500);
}

TEST_CASE("a run may be stopped while its VUs are still being made") {
  RunHarness run;
  run.add("s", constant_vus(10'000, 1h), {.iteration = 2h, .on_start = [&](const Iteration& i) {
                                            if (i.global == 1000) run.runner->stop(SIGINT);
                                          }});
  const RunOutcome outcome = run.run();
  CHECK(outcome.scenarios[0].started == 1001);
  CHECK(outcome.scenarios[0].cancelled == 1001);
  CHECK(run.logs["s"].made < 1200);
}

TEST_CASE("a plan that cannot go on ends the run") {
  RunHarness run;
  run.add("s", constant_vus(1, 1h), {.iteration = 1s});
  run.at(3500ms, [&] { run.runner->fail("plan.lua:3: never yields"); });
  const RunOutcome outcome = run.run();
  CHECK(outcome.end == RunEnd::plan_error);
  CHECK(outcome.reason == "plan.lua:3: never yields");
  CHECK(outcome.scenarios[0].succeeded == 4);
}

TEST_CASE("a single scenario can be ended as if its time were up") {
  RunHarness run;
  run.add("one", constant_vus(1, 1h), {.iteration = 1s});
  run.add("two", constant_vus(1, 10s), {.iteration = 1s});
  run.at(3500ms, [&] {
    CHECK(run.runner->stop_scenario("one").ok());
    const Outcome unknown = run.runner->stop_scenario("onne");
    REQUIRE_FALSE(unknown.ok());
    CHECK(unknown.error().message == "no scenario 'onne' (did you mean 'one'?)");
  });
  const RunOutcome outcome = run.run();
  CHECK(outcome.end == RunEnd::completed);
  CHECK(outcome.scenarios[0].succeeded == 4);
  CHECK(outcome.scenarios[1].succeeded == 10);
}

TEST_CASE("progress and vus can be asked while the run goes on") {
  RunHarness run;
  run.add("s", constant_vus(3, 10s), {.iteration = 1s});
  int asked = 0;
  run.at(4500ms, [&] {
    const ScenarioProgress s = run.runner->progress().at(0);
    CHECK(s.started == 15);
    CHECK(s.succeeded == 12);
    CHECK(s.running == 3);
    CHECK(s.vus == 3);
    CHECK(s.elapsed == 4500ms);
    CHECK_FALSE(s.finished);
    CHECK(run.runner->vus("s") == 3u);
    CHECK(run.runner->vus("t") == std::nullopt);
    CHECK(run.since_start(run.runner->started_at()) == 0s);
    ++asked;
  });
  run.run();
  CHECK(asked == 1);
}

TEST_CASE("a runner destroyed in the middle leaves nothing behind") {
  RunHarness run;
  run.add("s", constant_vus(100, 1h), {.begin = 1s, .iteration = 1s});
  run.make().start([](const RunOutcome&) { FAIL("it never finished"); });
  bool destroyed = false;
  run.at(2500ms, [&] {
    run.runner.reset();
    destroyed = true;
  });
  run.loop.run_until([&] { return destroyed; });
  CHECK(run.loop.open_handles() == 0);
  CHECK(run.logs["s"].destroyed == 100);
  CHECK(run.logs["s"].dropped == 100);
}
