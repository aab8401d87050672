#include "lgen/diff.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "bootstrap.h"
#include "catch.h"
#include "golden.h"
#include "lgen/text.h"
#include "sample_summary.h"

using namespace lgen;
using namespace lgen::test;

namespace {

struct RunShape {
  int calls = 10'000;
  double scale = 1;  // of every latency
  int failed = 0;
  unsigned seed = 1;
  std::string backend = "pod-1";
  double tail = 1;  // of one call in eighty
};

/// Latencies around 10 ms, lognormal, for 10 s.
Summary run_of(const RunShape& shape) {
  Metrics metrics;
  std::mt19937_64 random(shape.seed);
  std::lognormal_distribution<double> latency(std::log(0.01), 0.3);
  const auto site = [&](std::string_view code) {
    return make_labels({{"scenario", "s"}, {"method", "pkg.S/M"}, {"backend", shape.backend}, {"code", code}});
  };
  for (int i = 0; i < shape.calls; ++i) {
    const double factor = i % 80 == 0 ? shape.tail : 1;
    metrics.record(metrics.series("grpc_call_duration_seconds",
                                  make_labels({{"scenario", "s"}, {"method", "pkg.S/M"}, {"backend", shape.backend}})),
                   latency(random) * shape.scale * factor);
  }
  metrics.add(metrics.series("grpc_calls", site("OK")), shape.calls - shape.failed);
  if (shape.failed > 0) metrics.add(metrics.series("grpc_calls", site("UNAVAILABLE")), shape.failed);
  metrics.record(metrics.series("start_lag_seconds", {}), shape.scale);
  Summary summary;
  summary.run = sample_run();
  summary.run.duration = 10;
  summary.metrics = metrics.snapshot();
  return summary;
}

const DiffRow& row_of(const Diff& diff, std::string_view metric, std::string_view stat) {
  const auto at = std::find_if(diff.rows.begin(), diff.rows.end(),
                               [&](const DiffRow& row) { return row.metric == metric && row.stat == stat; });
  REQUIRE(at != diff.rows.end());
  return *at;
}

std::string verdicts(const RunShape& a, const RunShape& b, const DiffSettings& settings = {}) {
  std::string text;
  for (const DiffRow& row : compare(run_of(a), run_of(b), settings).rows) {
    text += row.stat + ":" + std::string(to_string(row.verdict)) + " ";
  }
  return text;
}

}  // namespace

TEST_CASE("a quantile drawn by its law is the quantile of a resample") {
  Histogram histogram;
  std::mt19937_64 random(7);
  std::vector<std::int64_t> values;
  for (int i = 0; i < 400; ++i) values.push_back(static_cast<std::int64_t>(random() % 100'000));
  for (const auto value : values) histogram.record(value);
  const Quantiles quantiles(histogram);
  for (const double p : {0.5, 0.9, 0.99}) {
    std::vector<double> drawn, resampled;
    for (int i = 0; i < 4000; ++i) {
      drawn.push_back(quantiles.draw(p, random));
      Histogram again;
      for (int k = 0; k < 400; ++k) again.record(values[random() % values.size()]);
      resampled.push_back(static_cast<double>(again.percentile(100 * p)));
    }
    const auto by_law = interval_of(drawn, 0.8), by_hand = interval_of(resampled, 0.8);
    INFO(p);
    CHECK(by_law.first == Approx(by_hand.first).epsilon(0.03));
    CHECK(by_law.second == Approx(by_hand.second).epsilon(0.03));
  }
}

TEST_CASE("what two runs differ in") {
  struct Row {
    std::string name;
    RunShape a, b;
    std::string verdicts;
  };
  const std::vector<Row> rows = {
      {"nothing", {}, {}, "per second:same failed:same p50:same p95:same p99:same "},
      {"other samples of the same, on other pods",
       {},
       {.seed = 2, .backend = "pod-9"},
       "per second:same failed:same p50:same p95:same p99:same "},
      {"everything is slower",
       {},
       {.scale = 1.2, .seed = 2},
       "per second:same failed:same p50:worse p95:worse p99:worse "},
      {"everything is faster",
       {},
       {.scale = 0.8, .seed = 2},
       "per second:same failed:same p50:better p95:better p99:better "},
      {"slower, but by less than matters",
       {},
       {.scale = 1.03, .seed = 2},
       "per second:same failed:same p50:same p95:same p99:same "},
      {"the tail alone", {}, {.seed = 2, .tail = 10}, "per second:same failed:same p50:same p95:same p99:worse "},
      {"failures appear", {}, {.failed = 40, .seed = 2}, "per second:same failed:worse p50:same p95:same p99:same "},
      {"failures go", {.failed = 40}, {.seed = 2}, "per second:same failed:better p50:same p95:same p99:same "},
      {"one failure of ten thousand is chance",
       {},
       {.failed = 1, .seed = 2},
       "per second:same failed:same p50:same p95:same p99:same "},
      {"fewer calls", {}, {.calls = 5'000, .seed = 2}, "per second:worse failed:same p50:same p95:same p99:same "},
      {"a hundred samples tell no p99",
       {.calls = 100},
       {.calls = 100, .scale = 3, .seed = 2},
       "per second:same failed:same p50:worse p95:worse p99:too few samples "},
      {"five samples tell nothing",
       {.calls = 5},
       {.calls = 5, .scale = 3, .seed = 2},
       "per second:too few samples failed:too few samples p50:too few samples p95:too few samples p99:too few "
       "samples "},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(verdicts(row.a, row.b) == row.verdicts);
  }
}

TEST_CASE("the least effect is the caller's") {
  const RunShape slower = {.scale = 1.03, .seed = 1};
  CHECK(verdicts({}, slower, {.min_effect = 0.01}).find("p50:worse") != std::string::npos);
  CHECK(verdicts({}, slower, {.min_effect = 0.2}).find("worse") == std::string::npos);
}

TEST_CASE("runs of the same are seldom told apart, and the same question has the same answer") {
  int wrong = 0;
  for (unsigned seed = 10; seed < 50; ++seed) {
    const Diff diff = compare(run_of({.seed = seed}), run_of({.seed = seed + 1000}), {.min_effect = 0});
    wrong += row_of(diff, "grpc_call_duration_seconds", "p95").verdict != DiffVerdict::same ? 1 : 0;
  }
  CHECK(wrong <= 3);  // 99 % intervals: 0.4 of 40 expected, more than 3 once in a thousand
  const Summary a = run_of({}), b = run_of({.seed = 3});
  const auto json = [&] { return render_diff_json(compare(a, b, {}), a, b, "a", "b"); };
  CHECK(json() == json());
}

TEST_CASE("what cannot be compared is said") {
  Summary a = run_of({}), b = run_of({});
  a.scenarios.resize(1);
  a.scenarios[0].name = "streams", a.scenarios[0].load = "4 VUs for 10s";
  b.scenarios = a.scenarios;
  b.scenarios[0].warmup = std::chrono::seconds(2);
  b.run.plan_sha256 = "other";
  b.run.target = "elsewhere:1";
  b.run.options[1].second = 4.0;
  b.run.end = "signal";
  b.run.paused = 1.5;
  b.health.validity = Validity::invalid;
  Metrics metrics;
  metrics.add(metrics.series("iterations", make_labels({{"scenario", "new"}})), 30);
  b.metrics.merge(metrics.snapshot());
  const Diff diff = compare(a, b, {});
  CHECK(diff.warnings ==
        std::vector<std::string>{
            "plans/multi_channel.lua has changed between the runs", "target: 127.0.0.1:18443 in A, elsewhere:1 in B",
            "--channels: 3 in A, 4 in B", "load of streams: 4 VUs for 10s in A, 4 VUs for 10s, 2s of it warm-up in B",
            "the generator of B was INVALID", "B was paused for 1.5s", "B did not run to its end (signal)"});
  CHECK(diff.only_b == std::vector<std::string>{"iterations{scenario=new}"});
  CHECK(diff.only_a.empty());
  CHECK(compare(a, a, {}).warnings.empty());
  CHECK_FALSE(diff.counts());
  CHECK(compare(a, b, {.excuse_invalid = true}).counts());
  CHECK(compare(a, a, {}).counts());
}

TEST_CASE("the generator's own figures are nobody's regression, and warm-up is left out") {
  const Diff diff = compare(run_of({}), run_of({.scale = 2}), {});
  CHECK(std::none_of(diff.rows.begin(), diff.rows.end(),
                     [](const auto& row) { return row.metric == "start_lag_seconds"; }));
  Metrics metrics;
  metrics.add(metrics.series("grpc_calls", make_labels({{"phase", "warmup"}, {"code", "UNAVAILABLE"}})), 50);
  Summary warm = run_of({});
  warm.metrics.merge(metrics.snapshot());
  CHECK(row_of(compare(warm, run_of({}), {}), "grpc_calls", "failed").a == 0);
}

TEST_CASE("a comparison is what the golden files show") {
  const Summary a = run_of({}), b = run_of({.calls = 9'000, .scale = 1.3, .failed = 90, .seed = 2});
  const Diff diff = compare(a, b, {});
  const std::string text = render_diff(diff, a, b, "before.json", "after.json", {false, 80});
  check_golden("report/diff_80.txt", text);
  check_golden("report/diff.json", render_diff_json(diff, a, b, "before.json", "after.json"));
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    CHECK(display_width(text.substr(at, end - at)) <= 80);
    at = end + 1;
  }
}

TEST_CASE("a comparison of nothing says so, and nothing of small changes") {
  const std::string text = render_diff({}, run_of({}), run_of({}), "a", "b", {false, 120});
  INFO(text);
  CHECK(text.find("✗ nothing to compare: no metric of one run has the same labels in the other\n") !=
        std::string::npos);
}

TEST_CASE("changes beyond all measure are cut short") {
  for (const auto& [change, words] :
       {std::pair(8.5, "+850.0%"), {12.0, "+13x"}, {998.0, "+999x"}, {1.15e5, "over 1000x"}}) {
    Diff diff;
    DiffRow row;
    row.metric = "x_seconds", row.stat = "p(99)", row.unit = "s", row.change = change, row.high = 1e9;
    diff.rows = {row};
    const std::string text = render_diff(diff, run_of({}), run_of({}), "a", "b", {false, 120});
    INFO(text);
    CHECK(text.find(words) != std::string::npos);
    CHECK(text.find("e+") == std::string::npos);
  }
}
