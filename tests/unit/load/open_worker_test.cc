// The worker under schedules of executors to come: arrivals at their own time (open model) and a changing number of
// VUs. The program defines Schedule itself, in place of schedule.cc: what a later executor may change is exactly that.
#include "worker.h"

#include <memory>
#include <vector>

#include "catch.h"
#include "fake_vu.h"

using namespace lgen;
using namespace lgen::testing;
using namespace std::chrono_literals;

namespace {

/// What the Schedule below answers.
struct Script {
  struct Step {
    Duration at;
    std::uint64_t vus;
  };
  std::vector<Step> steps;
  Duration end{0};
  std::optional<Duration> interval;  // open model: one arrival each
  std::optional<Duration> backlog;
};
Script script;

}  // namespace

namespace lgen {

Schedule::Schedule(const Load& load, Slice slice) : load_(load), slice_(slice) {}

std::uint64_t Schedule::vus_at(Duration offset) const {
  std::uint64_t vus = 0;
  for (const Script::Step& step : script.steps) {
    if (step.at <= offset) vus = step.vus;
  }
  return offset < script.end ? vus : 0;
}

std::optional<Duration> Schedule::next_change(Duration offset) const {
  for (const Script::Step& step : script.steps) {
    if (step.at > offset) return step.at;
  }
  if (offset < script.end) return script.end;
  return std::nullopt;
}

std::optional<Duration> Schedule::due(std::uint64_t n) const {
  if (!script.interval) return Duration{0};
  if (n * *script.interval >= script.end) return std::nullopt;
  return n * *script.interval;
}

std::optional<Duration> Schedule::backlog() const { return script.backlog; }
std::optional<std::uint64_t> Schedule::iterations_per_vu() const { return std::nullopt; }
std::optional<std::uint64_t> Schedule::total_iterations() const { return std::nullopt; }
Duration Schedule::end() const { return script.end; }

}  // namespace lgen

namespace {

/// One worker on a manual clock.
struct Bench {
  Bench(Script its_script, Duration iteration, Duration graceful_stop) {
    script = std::move(its_script);
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
    CHECK(progress.running == 0);
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
  Schedule schedule{Load{}, Slice{}};
  Tally tally{metrics, spec};
  bool over = false;
  std::unique_ptr<Worker> worker;
};

Script one_a_second(std::uint64_t vus, Duration backlog) {
  return {.steps = {{0s, vus}}, .end = 10s, .interval = 1s, .backlog = backlog};
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
  CHECK(bench.elapsed() == 9500ms);  // nothing more can come
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
  Bench bench({.steps = {{0s, 1}, {2s, 3}, {4s, 1}, {6s, 2}}, .end = 8s, .interval = {}, .backlog = {}}, 1s, 30s);
  const ScenarioProgress progress = bench.run();
  CHECK(progress.succeeded == 14);
  CHECK(bench.log.started_by(1) == 8);
  CHECK(bench.log.started_by(2) == 4);  // from 2 s to 4 s and again from 6 s to 8 s
  CHECK(bench.log.started_by(3) == 2);
  CHECK(bench.log.made == 4);
  CHECK(bench.log.ended == 4);
}

TEST_CASE("a VU that is still leaving is waited for before its place is filled again") {
  Bench bench({.steps = {{0s, 2}, {2s, 1}, {4s, 2}}, .end = 10s, .interval = {}, .backlog = {}}, 5s, 30s);
  const ScenarioProgress progress = bench.run();
  CHECK(bench.log.started_by(1) == 2);
  CHECK(bench.log.started_by(2) == 2);  // 0 s to 5 s, then made anew
  CHECK(bench.log.made == 3);
  CHECK(progress.cancelled == 0);
}
