// Runs that are paused: their time stands still, nothing is lost from the books, and no latency contains the pause.
#include "run_harness.h"

using namespace lgen;
using namespace lgen::testing;

namespace {

/// Pauses the run from `from` to `to`.
void pause_between(RunHarness& run, Duration from, Duration to) {
  Runner& runner = run.make();
  run.at(from, [&runner] {
    CHECK(runner.pause());
    CHECK_FALSE(runner.pause());
    CHECK(runner.paused());
  });
  run.at(to, [&runner] {
    CHECK(runner.resume());
    CHECK_FALSE(runner.resume());
  });
}

}  // namespace

TEST_CASE("a rate that is paused makes its arrivals later, and all of them") {
  RunHarness run;
  run.add("s", constant_rate(10, 10s, 5), {.iteration = 50ms});
  pause_between(run, 4050ms, 7050ms);
  const RunOutcome outcome = run.run();
  const ScenarioProgress& s = outcome.scenarios[0];
  CHECK(s.scheduled == 100u);
  CHECK(s.succeeded == 100);
  CHECK(s.dropped == 0);
  CHECK(s.elapsed >= 9900ms);
  CHECK(s.elapsed <= 10s);
  CHECK(outcome.load_finished - outcome.load_started == 13s);
  CHECK(outcome.paused == 3s);
  CHECK(s.paused_for == 3s);
  CHECK(run.measured("start_lag_seconds").histogram->max() == 0);
  CHECK(run.measured("vu_wait_seconds").histogram->max() == 0);
  for (const auto& [vu, iteration] : run.logs["s"].started) {
    const Duration due = run.since_start(iteration.scheduled_at);
    CHECK((due < 4050ms || due >= 7050ms));
  }
}

TEST_CASE("what waits for a VU when the pause begins has waited no longer after it") {
  RunHarness run;
  run.add("s", constant_rate(1, 2s, 1), {.iteration = 1500ms});  // due at 0 and 1 s; the second waits half a second
  pause_between(run, 1200ms, 61200ms);
  const RunOutcome outcome = run.run();
  CHECK(outcome.scenarios[0].succeeded == 2);
  // The VU has been free since 1.5 s, within the pause: 0.2 s of waiting before it count, the pause does not.
  CHECK(run.measured("vu_wait_seconds").histogram->max() == 200'000);
  CHECK(run.measured("start_lag_seconds").histogram->max() == 0);
}

TEST_CASE("VUs that are paused begin no iteration, and their latency does not know of it") {
  RunHarness run;
  run.add("s", constant_vus(2, 10s), {.iteration = 1s});
  pause_between(run, 3500ms, 10s);
  const RunOutcome outcome = run.run();
  const ScenarioProgress& s = outcome.scenarios[0];
  // Four rounds before and in the pause, six and a half seconds of the scenario's time are left after it.
  CHECK(s.succeeded == 2 * (4 + 7));
  CHECK(run.measured("iteration_duration_seconds").histogram->max() == 1'000'000);
  CHECK(run.measured("start_lag_seconds").histogram->max() == 0);
  CHECK(s.length == 10s);
  CHECK(outcome.paused == 6s);  // until 4 s what had begun ran on
}

TEST_CASE("what runs on in a pause is load, and rates keep its time") {
  RunHarness run;
  run.add("held", iterations(kPerVu, 1, 1), {.iteration = 20s});
  run.add("rate", constant_rate(10, 10s, 5), {.iteration = 50ms});
  run.add("late", iterations(kPerVu, 1, 1), {.iteration = 1s}).start_after = 8s;
  pause_between(run, 4050ms, 7050ms);
  run.at(6050ms, [&] {
    CHECK(run.runner->paused_time() == 2s);
    CHECK(run.runner->so_far().scenarios[1].paused_for == 2s);
  });
  const RunOutcome outcome = run.run();
  CHECK(outcome.paused == 0s);
  CHECK(outcome.scenarios[0].paused_for == 0s);
  CHECK(outcome.scenarios[1].paused_for == 3s);
  CHECK(outcome.scenarios[2].paused_for == 0s);  // it began after the pause
  CHECK(outcome.scenarios[0].measured == 20s);
  CHECK(outcome.scenarios[1].measured == 10s);
  CHECK(outcome.scenarios[2].measured == 1s);
  CHECK(outcome.measured == 20s);
  CHECK(run.runner->paused_time() == 3s);
}

TEST_CASE("several pauses add up") {
  RunHarness run;
  run.add("s", constant_vus(1, 10s), {.iteration = 1s});
  Runner& runner = run.make();
  for (const Duration at : {2s, 10s, 16s}) {
    run.at(at, [&] { CHECK(runner.pause()); });
    run.at(at + 4s, [&] { CHECK(runner.resume()); });
  }
  const RunOutcome outcome = run.run();
  CHECK(outcome.load_finished - outcome.load_started == 10s + 12s);
  CHECK(outcome.paused == 12s);
}

TEST_CASE("stages stand still while a run is paused") {
  RunHarness run;
  run.add("s", {.kind = Load::Kind::ramping_vus, .vus = 0, .stages = {{10s, 10}, {10s, 0}}}, {.iteration = 100ms});
  pause_between(run, 5s, 65s);
  run.at(64s, [&] { CHECK(run.runner->vus("s") == 5u); });
  const RunOutcome outcome = run.run();
  CHECK(outcome.load_finished - outcome.load_started >= 79s);
  CHECK(run.logs["s"].made == 10);
}

TEST_CASE("a scenario that is ended within a pause has paused until its end") {
  RunHarness run;
  run.add("s", constant_vus(1, 10s), {.iteration = 1s});
  run.add("other", constant_vus(1, 10s), {.iteration = 1s});
  pause_between(run, 2s, 8s);
  run.at(5s, [&] { CHECK(run.runner->stop_scenario("s")); });
  const RunOutcome outcome = run.run();
  CHECK(outcome.scenarios[0].paused_for == 3s);
  CHECK(outcome.scenarios[0].measured == 2s);
  CHECK(outcome.scenarios[1].paused_for == 6s);
  CHECK(outcome.scenarios[1].measured == 10s);
  CHECK(outcome.measured == 10s);
}

TEST_CASE("what lies between two scenarios is time of none, paused or not") {
  RunHarness run;
  run.add("first", iterations(kPerVu, 1, 2), {.iteration = 1s});
  run.add("second", iterations(kPerVu, 1, 3), {.iteration = 1s}).start_after = 10s;
  pause_between(run, 5s, 9s);
  const RunOutcome outcome = run.run();
  CHECK(outcome.load_finished - outcome.load_started == 17s);
  CHECK(outcome.paused == 4s);
  CHECK(outcome.measured == 5s);
  CHECK(outcome.scenarios[0].measured == 2s);
  CHECK(outcome.scenarios[1].measured == 3s);
  CHECK(outcome.scenarios[1].paused_for == 0s);
}

TEST_CASE("a scenario that has not started yet starts later by the pause") {
  RunHarness run;
  run.add("s", iterations(kPerVu, 1, 1), {.iteration = 1s}).start_after = 10s;
  pause_between(run, 4s, 9s);
  run.run();
  CHECK(run.since_start(run.logs["s"].started.at(0).second.scheduled_at) == 15s);
}

TEST_CASE("a run that is paused can be stopped, and is not resumed then") {
  RunHarness run;
  run.add("s", constant_rate(10, 10s, 5), {.iteration = 2s}).graceful_stop = 1s;
  Runner& runner = run.make();
  run.at(3s, [&] { CHECK(runner.pause()); });
  run.at(4s, [&] {
    CHECK(runner.progress()[0].paused);
    runner.stop("somebody");
    CHECK_FALSE(runner.resume());
    CHECK_FALSE(runner.paused());
    CHECK(runner.progress()[0].stopping);
    CHECK(runner.progress()[0].stops_within == 1s);
  });
  const RunOutcome outcome = run.run();
  CHECK(outcome.end == RunEnd::signal);
  CHECK(outcome.reason == "somebody");
  CHECK(outcome.signal == 0);
  CHECK(outcome.paused == 0s);  // iterations of 2 s ran all the time
  CHECK(runner.paused_time() == 1s);
  CHECK(outcome.scenarios[0].scheduled == outcome.scenarios[0].started + outcome.scenarios[0].dropped);
}

TEST_CASE("a run paused while it sets up begins its load when it is resumed") {
  RunHarness run;
  run.add("s", iterations(kPerVu, 1, 1), {.iteration = 1s});
  std::function<void(Outcome)> done;
  struct Never final : Operation {
    void cancel() noexcept override {}
    void drop() noexcept override {}
  } never;
  run.spec.setup = [&](std::function<void(Outcome)> finished) {
    done = std::move(finished);
    return Op(&never);
  };
  Runner& runner = run.make();
  run.at(1s, [&] { CHECK(runner.pause()); });
  run.at(2s, [&] { done(Done{}); });
  run.at(5s, [&] { CHECK(runner.resume()); });
  const RunOutcome outcome = run.run();
  CHECK(run.since_start(run.logs["s"].started.at(0).second.scheduled_at) == 5s);
  CHECK(outcome.load_finished - outcome.load_started == 4s);
  CHECK(outcome.paused == 3s);  // of the load; it began paused, 2 s after the start
}
