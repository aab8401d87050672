// The worker with arrivals at their own time (open model) and with a changing number of VUs.
#include "worker.h"

#include <memory>
#include <vector>

#include "catch.h"
#include "fake_vu.h"

using namespace lgen;
using namespace lgen::testing;
using namespace std::chrono_literals;

namespace {

/// One worker on a manual clock.
struct Bench {
  Bench(const Load& load, Duration iteration, Duration graceful_stop) : schedule(load, Slice{}) {
    fake.iteration = iteration;
    spec.name = "s";
    const auto make = [this](std::uint64_t index) {
      return std::make_unique<FakeVu>(loop, log, fake, VuIdentity{.id = index + 1, .index = index + 1, .scenario = {}});
    };
    worker = std::make_unique<Worker>(
        loop, schedule, graceful_stop, tally, make,
        Worker::Hooks{.over = [this] { over = true; }, .vu_failed = [](const PooledVu&, std::string_view) {}});
  }

  ScenarioProgress run() {
    worker->start();
    loop.run_until([this] { return over; });
    ScenarioProgress progress;
    tally.report(progress);
    progress.scheduled = worker->scheduled();
    progress.finished = true;
    CHECK(check_books({progress}).empty());
    CHECK(progress.started == log.started.size());
    CHECK(log.made == log.destroyed);
    CHECK(loop.open_handles() == 0);
    return progress;
  }
  Histogram measured(std::string_view metric) const {
    const Snapshot snapshot = metrics.snapshot();
    return aggregate(*snapshot.find(metric), {}).histogram.value();
  }
  Duration elapsed() const { return clock.now() - TimePoint(100s); }

  ManualClock clock{TimePoint(100s)};
  Loop loop{clock};
  Metrics metrics;
  ScenarioSpec spec;
  FakeScript fake;
  FakeLog log;
  Schedule schedule;
  Tally tally{metrics, spec};
  bool over = false;
  std::unique_ptr<Worker> worker;
};

Load one_a_second(std::uint64_t vus, Duration backlog) {
  return {.kind = Load::Kind::constant_rate, .duration = 10s, .rate = {1}, .max_vus = vus, .backlog = backlog};
}

Load ramping(std::uint64_t start, std::vector<Stage> stages) {
  return {.kind = Load::Kind::ramping_vus, .vus = start, .stages = std::move(stages)};
}

}  // namespace

TEST_CASE("arrivals start when they are due while a VU is free") {
  Bench bench(one_a_second(2, 10s), 500ms, 30s);
  const ScenarioProgress progress = bench.run();
  CHECK(progress.succeeded == 10);
  CHECK(progress.dropped == 0);
  for (std::uint64_t i = 0; i < 10; ++i) {
    CHECK(bench.log.started[i].second.scheduled_at == TimePoint(100s) + i * Duration(1s));
    CHECK(bench.log.started[i].second.global == i);
  }
  CHECK(bench.measured("vu_wait_seconds").max() == 0);
  CHECK(bench.elapsed() == 10s);  // 10 arrivals in 10 s, and not in the 9.5 s that they took
}

TEST_CASE("arrivals wait for a VU with their intended start kept, and are dropped past the backlog") {
  // Two VUs of 3 s each: numbers 4 and 7 would have to wait 2 s. Number 9 starts when the time is already up.
  Bench bench(one_a_second(2, 1500ms), 3s, 30s);
  const ScenarioProgress progress = bench.run();
  CHECK(progress.succeeded == 8);
  CHECK(progress.dropped == 2);
  std::vector<std::uint64_t> numbers;
  for (const auto& [vu, iteration] : bench.log.started) {
    numbers.push_back(iteration.global);
    CHECK(iteration.scheduled_at == TimePoint(100s) + iteration.global * Duration(1s));
  }
  CHECK(numbers == std::vector<std::uint64_t>{0, 1, 2, 3, 5, 6, 8, 9});
  CHECK(bench.measured("vu_wait_seconds").count() == 8);
  CHECK(bench.measured("vu_wait_seconds").max() == 1'000'000);
  CHECK(bench.measured("start_lag_seconds").max() == 0);
  CHECK(bench.measured("iteration_duration_seconds").max() == Approx(4e6).epsilon(0.001));
  CHECK(bench.elapsed() == 13s);
}

TEST_CASE("without a backlog an arrival that finds no VU is dropped at once") {
  Bench bench(one_a_second(1, 0s), 2500ms, 30s);
  const ScenarioProgress progress = bench.run();
  CHECK(progress.succeeded == 4);  // 0, 3, 6, 9
  CHECK(progress.dropped == 6);
}

TEST_CASE("arrivals still waiting at the end of graceful_stop are dropped") {
  Bench bench(one_a_second(1, 1min), 4s, 7s);
  const ScenarioProgress progress = bench.run();
  // 0, 1, 2, 3 and, at 16 s, 4; that one is cut off at 17 s.
  CHECK(progress.succeeded == 4);
  CHECK(progress.cancelled == 1);
  CHECK(progress.dropped == 5);
  CHECK(bench.elapsed() == 17s);
}

TEST_CASE("VUs come and go as the schedule says") {
  Bench bench(ramping(1, {{2s, 1}, {0s, 3}, {2s, 3}, {0s, 1}, {2s, 1}, {0s, 2}, {2s, 2}}), 1s, 30s);
  const ScenarioProgress progress = bench.run();
  CHECK(progress.succeeded == 14);
  CHECK(bench.log.started_by(1) == 8);
  CHECK(bench.log.started_by(2) == 4);  // from 2 s to 4 s and again from 6 s to 8 s
  CHECK(bench.log.started_by(3) == 2);
  CHECK(bench.log.made == 4);
  CHECK(bench.log.ended == 4);
}

TEST_CASE("a VU that is still leaving is waited for before its place is filled again") {
  Bench bench(ramping(2, {{2s, 2}, {0s, 1}, {2s, 1}, {0s, 2}, {6s, 2}}), 5s, 30s);
  const ScenarioProgress progress = bench.run();
  CHECK(bench.log.started_by(1) == 2);
  CHECK(bench.log.started_by(2) == 2);  // 0 s to 5 s, then made anew
  CHECK(bench.log.made == 3);
  CHECK(progress.cancelled == 0);
}

TEST_CASE("a ramp makes and lets go its VUs where it passes the halves") {
  // 0 -> 4 in 8 s: at 1 s, 3 s, 5 s, 7 s; back in 8 s: at 9 s, 11 s, 13 s, 15 s.
  Bench bench(ramping(0, {{8s, 4}, {8s, 0}}), 1s, 30s);
  bench.run();
  CHECK(bench.log.started_by(1) == 14);
  CHECK(bench.log.started_by(2) == 10);
  CHECK(bench.log.started_by(3) == 6);
  CHECK(bench.log.started_by(4) == 2);
}

TEST_CASE("a stop ends the schedule: what would have come later is neither due nor dropped") {
  Bench bench(one_a_second(2, 10s), 3s, 30s);
  Timer stop(bench.loop, [&] { bench.worker->stop(30s); });
  stop.arm(TimePoint(100s) + 4500ms);
  const ScenarioProgress progress = bench.run();
  CHECK(progress.scheduled == 5u);  // 0 to 4
  CHECK(progress.succeeded == 4);   // 2 and 3 waited until 3 s and 4 s
  CHECK(progress.dropped == 1);     // 4 waits for a VU that will be free at 6 s
  CHECK(progress.dropped_with_free_vu == 0);
}

TEST_CASE("more arrivals at once than a turn takes are dropped with VUs free when the run stops in between") {
  Load load = one_a_second(1000, 10s);
  load.rate = {1e6};
  Bench bench(load, 1s, 30s);
  int turns = 0;
  const std::size_t hook = bench.loop.add_turn_hook([&] {
    if (++turns == 30) bench.worker->stop(30s);
  });
  bench.clock.advance_to(TimePoint(101s));
  const ScenarioProgress progress = bench.run();
  bench.loop.remove_turn_hook(hook);
  CHECK(progress.scheduled == progress.started + progress.dropped);
}

TEST_CASE("an external load has as many VUs as it is told, until its end") {
  Load load{.kind = Load::Kind::external, .vus = 0, .duration = 20s, .max_vus = 5};
  Bench bench(load, 1s, 30s);
  Timer up(bench.loop, [&] { bench.worker->scale(3); });
  Timer down(bench.loop, [&] { bench.worker->scale(1); });
  up.arm(TimePoint(105s));
  down.arm(TimePoint(110s));
  const ScenarioProgress progress = bench.run();
  CHECK(bench.log.started_by(1) == 15);
  CHECK(bench.log.started_by(2) == 5);
  CHECK(bench.log.started_by(3) == 5);
  CHECK(progress.succeeded == 25);
  CHECK(bench.elapsed() == 20s);
}
