// What recording costs, in nanoseconds a sample, and what the once-a-second and once-a-run work costs.
// Prints a table; asserts nothing: the goal (at most 40 ns a sample with labels) is judged by the reader.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "lgen/distribution.h"
#include "lgen/recorder.h"
#include "lgen/threshold_watch.h"
#include "lgen/timeline.h"
#include "progress.h"

namespace {

using namespace lgen;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// CPU time: machines are shared.
double seconds_of(const std::function<void()>& work) {
  const double start = cpu_seconds();
  work();
  return cpu_seconds() - start;
}

/// Median of 5 runs of `n` repetitions, printed in ns each.
void per_sample(const char* what, std::size_t n, const std::function<void(std::size_t)>& one) {
  std::vector<double> runs;
  for (int run = 0; run < 5; ++run) {
    runs.push_back(seconds_of([&] {
      for (std::size_t i = 0; i < n; ++i) one(i);
    }));
  }
  std::sort(runs.begin(), runs.end());
  fmt::print("{:<58} {:>9.1f} ns\n", what, runs[2] / static_cast<double>(n) * 1e9);
}

void once(const char* what, const std::function<void()>& work) {
  std::vector<double> runs;
  for (int run = 0; run < 5; ++run) runs.push_back(seconds_of(work));
  std::sort(runs.begin(), runs.end());
  fmt::print("{:<58} {:>9.3f} ms\n", what, runs[2] * 1e3);
}

/// Latencies as they come: between 0.5 and 8 ms, in no order that a branch predictor could learn.
Duration latency(std::size_t i) { return Duration(500'000 + (i * 2654435761u >> 4) % 7'500'000); }

CallSample call(std::size_t i, std::string_view backend) {
  CallSample sample;
  sample.timing.intended = sample.timing.started = TimePoint(std::chrono::seconds(1));
  sample.timing.done = sample.timing.started + latency(i);
  sample.code = "OK";
  sample.backend = backend;
  sample.connection = 1;
  return sample;
}

void bench_samples() {
  constexpr std::size_t kSamples = 5'000'000;
  Metrics metrics;
  Timeline timeline(metrics);
  const SeriesId counter = metrics.series("iterations", {}), gauge = metrics.series("vus", {}),
                 rate = metrics.series("checks", {}), histogram = metrics.series("slice_seconds", {});
  per_sample("empty loop around each sample", kSamples, [](std::size_t) {});
  per_sample("counter", kSamples, [&](std::size_t) { metrics.add(counter); });
  per_sample("gauge", kSamples, [&](std::size_t i) { metrics.set(gauge, static_cast<double>(i)); });
  per_sample("rate", kSamples, [&](std::size_t i) { metrics.hit(rate, i % 3 != 0); });
  per_sample("histogram, with its time line", kSamples, [&](std::size_t i) { metrics.record(histogram, latency(i)); });
}

void bench_calls() {
  constexpr std::size_t kCalls = 2'000'000;
  Metrics metrics;
  Timeline timeline(metrics);
  Recorder recorder(metrics);
  CallSite& site = recorder.site({"main", "hello", "hello.Hello/SayHello", "main[1]", "main", {}, ""});
  std::vector<std::string> pods;
  for (int i = 0; i < 100; ++i) pods.push_back("lgen-server-7d9f8b6c5-x" + std::to_string(10 + i));
  const auto run = [&](const char* what, std::size_t backends) {
    per_sample(what, kCalls, [&](std::size_t i) {
      site.call_started();
      site.call_ended(call(i, pods[i % backends]));
    });
  };
  run("call: counter and two histograms, 1 backend", 1);
  run("call: counter and two histograms, 10 backends in turn", 10);
  run("call: counter and two histograms, 100 backends in turn", 100);
}

void bench_run() {
  Metrics metrics;
  Timeline timeline(metrics);
  std::vector<SeriesId> ids;
  for (int i = 0; i < 10'000; ++i) ids.push_back(metrics.series("grpc_calls", {{"backend", std::to_string(i)}}));
  int second = 0;
  once("tick of the time line, 10,000 series, 10 touched", [&] {
    for (std::size_t i = 0; i < 10; ++i) metrics.add(ids[i]);
    timeline.tick(std::chrono::seconds(++second));
  });
  once("tick of the time line, 10,000 series, all touched", [&] {
    for (const SeriesId id : ids) metrics.add(id);
    timeline.tick(std::chrono::seconds(++second));
  });
  once("snapshot, 10,000 series", [&] { (void)metrics.snapshot(); });
}

/// A run of 1,000 series, of which 900 are counters and 100 are histograms, all of them in use.
struct BusyRun {
  BusyRun() {
    for (int i = 0; i < 900; ++i) counters.push_back(metrics.series("grpc_calls", {{"backend", std::to_string(i)}}));
    for (int i = 0; i < 100; ++i) {
      histograms.push_back(metrics.series("grpc_call_duration_seconds", {{"backend", std::to_string(i)}}));
    }
    for (int i = 0; i < 10; ++i) {
      Threshold& threshold = thresholds.emplace_back();
      threshold.metric = "grpc_call_duration_seconds";
      threshold.expression = parse_threshold("p(99) < 1").value();
      threshold.over = std::chrono::seconds(10);
    }
  }
  /// 10,000 calls over 0.5 to 8 ms, and a slow one now and then.
  void record_second() {
    for (std::size_t i = 0; i < 10'000; ++i) {
      metrics.add(counters[i % counters.size()]);
      metrics.record(histograms[i % histograms.size()], latency(++samples) * (i % 500 == 0 ? 20 : 1));
    }
  }

  Metrics metrics;
  Timeline timeline{metrics};
  std::vector<SeriesId> counters, histograms;
  std::vector<Threshold> thresholds;
  std::size_t samples = 0;
};

/// What work that is done once for every second of a run takes of a core, over a minute.
double share_of(BusyRun& run, const std::function<void(Duration)>& work) {
  constexpr int kSeconds = 60;
  double spent = 0;
  for (int second = 1; second <= kSeconds; ++second) {
    run.record_second();
    spent += seconds_of([&] { work(std::chrono::seconds(second)); });
  }
  return spent / kSeconds;
}

void print_share(const char* what, double share) { fmt::print("{:<58} {:>9.3f} % of a core\n", what, share * 100); }

/// As cli/progress.cc draws them on a terminal: five times a second.
void draw_progress(const Metrics& metrics) {
  constexpr int kRedraws = 5;
  ScenarioProgress scenario{.name = "hello", .load = "100 VUs for 10m", .started = 1000, .succeeded = 900};
  scenario.length = std::chrono::minutes(10);
  scenario.elapsed = std::chrono::minutes(2);
  for (int i = 0; i < kRedraws; ++i) {
    const std::vector<std::string> lines = {cli::progress_line(scenario, Duration{0}, 200)};
    const cli::Traffic traffic{metrics.total("grpc_streams_active"), metrics.total("grpc_messages_sent"),
                               metrics.total("grpc_calls")};
    (void)cli::progress_lines(lines, cli::traffic_text(traffic), 200);
  }
}

/// What measuring takes of a run that makes 10,000 calls a second.
void bench_shares() {
  BusyRun recorded, ticked, snapped, watched, drawn;
  double recording = 0;
  for (int i = 0; i < 60; ++i) recording += seconds_of([&] { recorded.record_second(); }) / 60;
  const double tick = share_of(ticked, [&](Duration now) { ticked.timeline.tick(now); });
  const double snapshot = share_of(snapped, [&](Duration) { (void)snapped.metrics.snapshot(); });
  ThresholdWatch watch(watched.metrics, watched.thresholds);
  const double thresholds = share_of(watched, [&](Duration now) {
    (void)watch.tick(now, [now](const Threshold&) { return LoadTime{now, now}; });
  });
  const double progress = share_of(drawn, [&](Duration) { draw_progress(drawn.metrics); });
  print_share("recording 10,000 calls, two samples each", recording);
  print_share("time lines, 1,000 series, 100 histograms", tick);
  print_share("one snapshot, 1,000 series, 100 histograms", snapshot);
  print_share("10 thresholds over 10 s, 100 histograms", thresholds);
  print_share("progress on a terminal", progress);
  print_share("all of these", recording + tick + snapshot + thresholds + progress);
}

/// 60 connections x 10 backends x 2,000 streams; `astray` streams of every connection prefer one backend.
DistributionTable table(std::size_t astray) {
  DistributionTable out;
  std::uint64_t random = 1;
  for (std::size_t j = 0; j < 10; ++j) out.col_names.push_back("pod-" + std::to_string(j));
  for (std::size_t i = 0; i < 60; ++i) {
    out.row_names.push_back("c" + std::to_string(i));
    auto& row = out.counts.emplace_back(10);
    for (std::size_t n = 0; n < 33 - astray; ++n)
      ++row[(random = random * 6364136223846793005u + 1442695040888963407u) >> 33 & 7];
    row[8] += 1;
    row[9] += 1;
    row[i % 10] += astray;
  }
  return out;
}

void bench_verdicts() {
  once("verdict, 60 x 10 x 2,100, fair", [] { (void)judge_distribution(table(0)); });
  once("verdict, 60 x 10 x 2,100, slightly unfair: all draws", [] { (void)judge_distribution(table(4)); });
  once("verdict, 60 x 10 x 2,100, far from fair", [] { (void)judge_distribution(table(20)); });
  for (const std::size_t astray : {0, 4, 20}) {
    const Verdict verdict = judge_distribution(table(astray));
    fmt::print("  {} of 35 astray: {} p = {:.2g}\n", astray, to_string(verdict.kind), verdict.p);
  }
}

}  // namespace

int main() {
  bench_samples();
  bench_calls();
  bench_run();
  bench_shares();
  bench_verdicts();
}
