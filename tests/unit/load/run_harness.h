// Runs scenarios of fake VUs on a manual clock, so that hours pass at once and every count is exact.
// Thread: the test's.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "catch.h"
#include "fake_vu.h"
#include "lgen/runner.h"

namespace lgen::testing {

using namespace std::chrono_literals;

inline Load constant_vus(std::uint64_t vus, Duration duration) {
  Load load;
  load.vus = vus;
  load.duration = duration;
  return load;
}

inline Load iterations(Load::Kind kind, std::uint64_t vus, std::uint64_t n, Duration max_duration = 10min) {
  Load load;
  load.kind = kind;
  load.vus = vus;
  load.iterations = n;
  load.max_duration = max_duration;
  return load;
}

inline Load constant_rate(double rate, Duration duration, std::uint64_t max_vus, Duration backlog = kDefaultBacklog) {
  return {
      .kind = Load::Kind::constant_rate, .duration = duration, .rate = {rate}, .max_vus = max_vus, .backlog = backlog};
}

inline constexpr auto kPerVu = Load::Kind::per_vu_iterations;
inline constexpr auto kShared = Load::Kind::shared_iterations;

class RunHarness {
 public:
  /// Adds a scenario whose VUs follow `script`; the reference serves to set the rest.
  ScenarioSpec& add(std::string name, Load load, FakeScript script = {}) {
    FakeScript& kept = scripts_.emplace_back(std::move(script));
    FakeLog& its_log = logs[name];
    ScenarioSpec& scenario = spec.scenarios.emplace_back();
    scenario.name = std::move(name);
    scenario.load = load;
    scenario.make_vu = [this, &kept, &its_log](const VuIdentity& identity) {
      return std::make_unique<FakeVu>(loop, its_log, kept, identity);
    };
    return scenario;
  }

  /// Does something at an offset from the start of the run.
  void at(Duration offset, std::function<void()> task) {
    timers_.emplace_back(loop, std::move(task)).arm(start_ + offset);
  }

  Runner& make() {
    runner = std::make_unique<Runner>(loop, metrics, spec);
    return *runner;
  }

  /// Runs to the end, checks what holds for every run, and returns the outcome.
  RunOutcome run() {
    if (!runner) make();
    int calls = 0;
    std::optional<RunOutcome> outcome;
    runner->start([&](const RunOutcome& result) {
      outcome = result;
      ++calls;
    });
    CHECK_FALSE(outcome.has_value());
    loop.run_until([&] { return outcome.has_value(); });
    timers_.clear();
    CHECK(calls == 1);
    CHECK(loop.open_handles() == 0);
    for (const ScenarioProgress& scenario : outcome->scenarios) check_books(scenario);
    return *outcome;
  }

  /// The value of a metric's series that match, added up.
  SeriesSnapshot measured(std::string_view metric, Labels wanted = {}) const {
    const Snapshot snapshot = metrics.snapshot();
    const MetricSnapshot* found = snapshot.find(metric);
    REQUIRE(found != nullptr);
    return aggregate(*found, wanted);
  }

  Duration since_start(TimePoint t) const { return t - start_; }

  ManualClock clock{TimePoint(1000s)};
  Loop loop{clock};
  Metrics metrics;
  RunSpec spec;
  std::map<std::string, FakeLog> logs;
  std::unique_ptr<Runner> runner;

 private:
  void check_books(const ScenarioProgress& scenario) {
    INFO("scenario " << scenario.name);
    CHECK(scenario.finished);
    CHECK(scenario.running == 0);
    CHECK(scenario.vus == 0);
    CHECK(scenario.started == scenario.succeeded + scenario.failed + scenario.cancelled);
    CHECK(lgen::check_books({scenario}) == "");
    if (scenario.total && !scenario.scheduled) CHECK(*scenario.total == scenario.started + scenario.dropped);
    const FakeLog& log = logs[scenario.name];
    CHECK(scenario.started == log.started.size());
    CHECK(log.made == log.destroyed);
    CHECK(log.running == 0);
    const Labels own = {{"scenario", scenario.name}};
    CHECK(measured("iterations_dropped", own).value == static_cast<double>(scenario.dropped));
    CHECK(measured("vus", own).value == 0);
  }

  TimePoint start_ = clock.now();
  std::deque<FakeScript> scripts_;
  std::deque<Timer> timers_;
};

}  // namespace lgen::testing
