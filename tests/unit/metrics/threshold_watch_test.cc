// Thresholds judged while a run goes on, against what the definition says computed from a plain list of samples.
#include "lgen/threshold_watch.h"

#include <algorithm>
#include <random>

#include "catch.h"
#include "lgen/timeline.h"

using namespace lgen;
using namespace std::chrono_literals;

namespace {

constexpr const char* kLatency = "grpc_call_duration_seconds";

Threshold make(std::string metric, std::string text, Duration over, Duration after = 0s, bool abort = false) {
  Threshold threshold;
  threshold.metric = std::move(metric);
  threshold.text = std::move(text);
  threshold.expression = parse_threshold(threshold.text).value();
  threshold.over = over;
  threshold.after = after;
  threshold.abort = abort;
  return threshold;
}

/// A run whose load is on from its first second to its last.
struct Run {
  explicit Run(std::vector<Threshold> given) : thresholds(std::move(given)), watch(metrics, thresholds) {}

  const Threshold* second_over(Duration load = 1s, bool seen = true) {
    elapsed += 1s;
    time.elapsed += 1s;
    time.on += load;
    time.judged += seen ? load : Duration{0};
    return watch.tick(elapsed, [this](const Threshold&) { return time; });
  }
  void latency(double seconds, const Labels& labels = {}) { metrics.record(metrics.series(kLatency, labels), seconds); }
  ThresholdResult result(std::size_t i = 0) const { return watch.result(thresholds[i]).value(); }

  Metrics metrics;
  std::vector<Threshold> thresholds;
  ThresholdWatch watch;
  Duration elapsed{0};
  LoadTime time;
};

/// Nearest rank.
double percentile(std::vector<double> values, double p) {
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(p * static_cast<double>(values.size()) / 100 - 1e-9);
  return values[static_cast<std::size_t>(std::max(1.0, rank)) - 1];
}

}  // namespace

TEST_CASE("every window is judged, and the worst one is named") {
  Run run({make(kLatency, "p(99) < 0.1", 3s)});
  for (int second = 0; second < 10; ++second) {
    for (int i = 0; i < 100; ++i) run.latency(second == 5 ? 0.2 : 0.01);
    CHECK(run.second_over() == nullptr);
  }
  const ThresholdResult result = run.result();
  CHECK_FALSE(result.ok);
  CHECK(result.windows == 8);         // 0..3 to 7..10
  CHECK(result.windows_failed == 3);  // those with the sixth second in them
  CHECK(*result.worst_at == 3);
  CHECK(*result.observed == Approx(0.2).epsilon(1e-3));
  CHECK(result.why == "p(99) is 200ms, not < 0.1");
}

TEST_CASE("windows see what the definition says, whatever the samples") {
  constexpr int kSeconds = 40, kLength = 7;
  std::mt19937_64 random(42);
  std::lognormal_distribution<double> value(-5, 1.5);
  for (const char* text : {"p(50) < 1", "p(99) < 1", "p(99.9) < 1", "avg < 1", "max < 1", "min > 0", "count > 0",
                           "rate > 0", "p(0) < 1", "p(100) < 1"}) {
    Run run({make(kLatency, text, std::chrono::seconds(kLength))});
    std::vector<std::vector<double>> seconds;
    for (int s = 0; s < kSeconds; ++s) {
      std::vector<double>& samples = seconds.emplace_back(random() % 400 + 1);
      for (double& sample : samples) run.latency(sample = value(random), {{"name", s % 2 ? "a" : "b"}});
      run.second_over();
    }
    const std::string_view stat = std::string_view(text).substr(0, std::string_view(text).find(' '));
    const bool low_is_bad = std::string_view(text).find('>') != std::string_view::npos;
    std::optional<double> worst;
    for (int first = 0; first + kLength <= kSeconds; ++first) {
      std::vector<double> all;
      for (int s = first; s < first + kLength; ++s) all.insert(all.end(), seconds[s].begin(), seconds[s].end());
      double seen = 0;
      if (stat == "avg") {
        for (const double x : all) seen += x / static_cast<double>(all.size());
      } else if (stat == "count" || stat == "rate") {
        seen = static_cast<double>(all.size()) / (stat == "rate" ? kLength : 1);
      } else {
        seen = percentile(all, stat == "max" ? 100 : stat == "min" ? 0 : std::atof(stat.data() + 2));
      }
      if (!worst || (low_is_bad ? seen < *worst : seen > *worst)) worst = seen;
    }
    INFO(text);
    CHECK(run.result().windows == kSeconds - kLength + 1);
    CHECK(*run.result().observed == Approx(*worst).epsilon(1.01e-3).margin(1e-6));
  }
}

TEST_CASE("counters, rates and gauges have windows, too") {
  Run run(
      {make("grpc_streams_failed", "count < 5", 2s), make("checks", "rate > 0.5", 2s), make("vus", "max < 10", 2s)});
  const SeriesId failed = run.metrics.series("grpc_streams_failed", {}), checks = run.metrics.series("checks", {}),
                 vus = run.metrics.series("vus", {});
  run.metrics.set(vus, 3);
  for (int second = 0; second < 6; ++second) {
    run.metrics.add(failed, second);
    for (int i = 0; i < 10; ++i) run.metrics.hit(checks, i < 9 - second);
    if (second == 4) run.metrics.set(vus, 12);
    if (second == 5) run.metrics.set(vus, 4);
    run.second_over();
  }
  CHECK(*run.result(0).observed == 9);  // 4 + 5
  CHECK(*run.result(0).worst_at == 4);
  CHECK(run.result(0).windows_failed == 3);        // 2+3, 3+4, 4+5
  CHECK(*run.result(1).observed == Approx(0.45));  // 5 and 4 of 10
  CHECK(*run.result(2).observed == 12);
  CHECK(*run.result(2).worst_at == 3);
}

TEST_CASE("a gauge's second starts with the value it had, also where the time line has taken it") {
  Run run({make("vus", "max < 10", 1s)});
  Timeline timeline(run.metrics);
  run.metrics.set(run.metrics.series("vus", {}), 20);
  run.second_over();
  timeline.tick(run.elapsed);
  run.second_over();
  timeline.tick(run.elapsed);
  CHECK(run.result().windows == 2);
  CHECK(run.result().windows_failed == 2);
}

TEST_CASE("counts and rates are judged only where the load was on all the time") {
  Run run({make("iterations", "rate >= 10", 2s), make(kLatency, "p(50) < 1", 2s)});
  const SeriesId iterations = run.metrics.series("iterations", {});
  const double load[] = {0, 0.4, 1, 1, 1, 1, 0.5, 0};
  for (const double share : load) {
    run.metrics.add(iterations, 10 * share);
    run.latency(0.1);
    run.second_over(from_seconds(share));
  }
  CHECK(run.result(0).ok);
  CHECK(run.result(0).windows == 3);
  CHECK(run.result(1).windows == 7);
}

TEST_CASE("seconds without samples say nothing about latencies; none at all fails") {
  Run run({make(kLatency, "p(99) < 1", 1s), make(kLatency, "p(99) < 1", 2s)});
  run.thresholds[1].labels = {{"name", "nobody"}};
  run.second_over();
  run.latency(0.5);
  run.second_over();
  run.second_over();
  CHECK(run.result(0).ok);
  CHECK(run.result(0).windows == 1);
  CHECK_FALSE(run.result(1).ok);
  CHECK(run.result(1).why == "no samples");
}

TEST_CASE("warm-up is left out unless it is asked for by name") {
  Run run({make(kLatency, "max < 1", 1s), make(kLatency, "max < 1", 1s)});
  run.thresholds[1].labels = {{"phase", "warmup"}};
  run.latency(5, {{"phase", "warmup"}});
  run.second_over();
  run.latency(0.5, {{"phase", "steady"}});
  run.second_over();
  CHECK(run.result(0).ok);
  CHECK_FALSE(run.result(1).ok);
}

TEST_CASE("a load shorter than a window is judged as a whole") {
  Run run({make(kLatency, "p(99) < 0.1", 10s)});
  run.latency(0.5);
  run.second_over();
  CHECK_FALSE(run.result().ok);
  CHECK(run.result().windows == 0);
  CHECK_FALSE(run.result().worst_at);
}

TEST_CASE("counts are not judged where no window was whole, though the load was long enough for one") {
  Run paused({make("iterations", "count < 250", 4s)});
  const SeriesId iterations = paused.metrics.series("iterations", {});
  for (const double share : {1., 1., 1., 0.4, 0.2, 1., 1., 0.4}) {
    paused.metrics.add(iterations, 50 * share);
    paused.second_over(from_seconds(share));
  }
  CHECK_FALSE(paused.result().ok);
  CHECK_FALSE(paused.result().observed);
  CHECK(paused.result().why == "not judged: a pause, or pages that were missing, left no window of 4s whole");

  Run blind({make("iterations", "count < 250", 2s)});
  for (const bool seen : {true, false, true, false}) blind.second_over(1s, seen);
  CHECK_FALSE(blind.result().ok);
}

TEST_CASE("a load that is over before `after` is not judged") {
  Run run({make("iterations", "count < 5", 0s, 10s)});
  run.metrics.add(run.metrics.series("iterations", {}), 100);
  run.second_over();
  CHECK_FALSE(run.result().ok);
  CHECK(run.result().why == "not judged: the load was over after 10s");
}

TEST_CASE("`after` leaves out the beginning, with windows and without") {
  Run run({make(kLatency, "max < 1", 0s, 3s), make(kLatency, "max < 1", 2s, 3s), make(kLatency, "count == 2", 0s, 3s)});
  for (int second = 0; second < 5; ++second) {
    run.latency(second < 3 ? 5 : 0.5);
    run.second_over();
  }
  for (std::size_t i = 0; i < 3; ++i) {
    INFO(i << ": " << run.result(i).why);
    CHECK(run.result(i).ok);
  }
  CHECK(run.result(1).windows == 1);
}

TEST_CASE("a threshold that aborts says so when it fails, once") {
  Run run({make(kLatency, "p(99) < 0.1", 2s, 0s, true), make("grpc_streams_failed", "count < 3", 0s, 0s, true),
           make("grpc_calls", "count > 100", 0s, 0s, true)});
  const SeriesId failed = run.metrics.series("grpc_streams_failed", {});
  run.metrics.series("grpc_calls", {});
  run.latency(0.01);
  CHECK(run.second_over() == nullptr);  // a lower bound is for the end
  run.metrics.add(failed, 3);
  const Threshold* ended = run.second_over();
  REQUIRE(ended != nullptr);
  CHECK(ended->metric == "grpc_streams_failed");
  run.latency(5);
  CHECK(run.second_over() == nullptr);
}

TEST_CASE("a loop that was held up closes all the seconds it has missed") {
  Run run({make(kLatency, "count < 100", 2s)});
  run.latency(1);
  run.second_over();
  for (int i = 0; i < 50; ++i) run.latency(1);
  run.elapsed += 3s;
  run.time.elapsed += 3s;
  run.time.on += 3s;
  run.time.judged += 3s;
  run.second_over();
  CHECK(run.result().ok);
  CHECK(*run.result().observed == 50);
  CHECK(*run.result().worst_at == 3);
}

TEST_CASE("thresholds judged at the end alone are not watched") {
  Metrics metrics;
  const std::vector<Threshold> thresholds = {make(kLatency, "p(99) < 1", 0s)};
  const ThresholdWatch watch(metrics, thresholds);
  CHECK(watch.idle());
  CHECK_FALSE(watch.result(thresholds[0]));
}
