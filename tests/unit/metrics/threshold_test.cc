#include "lgen/threshold.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "catch.h"

using namespace lgen;
using namespace std::chrono_literals;
using Stat = ThresholdExpression::Stat;
using Compare = ThresholdExpression::Compare;

namespace {

Threshold make(std::string metric, std::string text, Labels labels = {}) {
  const auto parsed = parse_threshold(text);
  REQUIRE(parsed.ok());
  Threshold threshold;
  threshold.metric = std::move(metric);
  threshold.text = std::move(text);
  threshold.expression = *parsed;
  threshold.labels = std::move(labels);
  return threshold;
}

/// 100 calls of 1..100 ms; 95 OK and 5 not; 3 of 4 checks passed; VUs between 2 and 9.
Snapshot sample_run() {
  Metrics metrics;
  for (int i = 1; i <= 100; ++i) {
    metrics.record(metrics.series("grpc_call_duration_seconds", {}), std::chrono::milliseconds(i));
    metrics.add(metrics.series("grpc_calls", {{"code", i <= 95 ? "OK" : "UNAVAILABLE"}}));
  }
  for (const bool ok : {true, false, true, true}) metrics.hit(metrics.series("checks", {}), ok);
  for (const int vus : {2, 9, 4}) metrics.set(metrics.series("vus", {}), vus);
  return metrics.snapshot();
}

}  // namespace

TEST_CASE("expressions parse, with and without blanks") {
  struct Row {
    const char* text;
    Stat stat;
    double percentile;
    Compare compare;
    double bound;
  };
  for (const Row& row :
       {Row{"p(99) < 0.25", Stat::percentile, 99, Compare::less, 0.25},
        Row{"p(99.9)<=1e-3", Stat::percentile, 99.9, Compare::less_equal, 0.001},
        Row{" p ( 50 ) >= 2 ", Stat::percentile, 50, Compare::greater_equal, 2},
        Row{"count>10", Stat::count, 0, Compare::greater, 10}, Row{"rate<0.01", Stat::rate, 0, Compare::less, 0.01},
        Row{"count==0", Stat::count, 0, Compare::equal, 0}, Row{"count === 0", Stat::count, 0, Compare::equal, 0},
        Row{"avg != -1.5", Stat::avg, 0, Compare::not_equal, -1.5}, Row{"min>0", Stat::min, 0, Compare::greater, 0},
        Row{"med < 1", Stat::med, 0, Compare::less, 1}, Row{"max\t<\t2", Stat::max, 0, Compare::less, 2}}) {
    INFO(row.text);
    const auto parsed = parse_threshold(row.text);
    REQUIRE(parsed.ok());
    CHECK(parsed->stat == row.stat);
    CHECK(parsed->percentile == row.percentile);
    CHECK(parsed->compare == row.compare);
    CHECK(parsed->bound == row.bound);
  }
}

TEST_CASE("what does not parse is named, with what may stand there") {
  struct Row {
    const char* text;
    const char* message;
  };
  for (const Row& row :
       {Row{"", "expected count, rate, avg, min, med, max or p(N) at the end of the text"},
        Row{"avgg < 1", "no statistic 'avgg' (did you mean 'avg'?)"},
        Row{"cout > 1", "no statistic 'cout' (did you mean 'count'?)"},
        Row{"wibble > 1", "no statistic 'wibble'; there is count, rate, avg, min, med, max or p(N)"},
        Row{"99 < 1", "expected count, rate, avg, min, med, max or p(N) at '99 < 1'"},
        Row{"p99 < 1", "expected '(' after p, as in p(99), got '99 < 1'"},
        Row{"p(x) < 1", "expected a number inside p( ), got 'x) < 1'"},
        Row{"p(99 < 1", "expected ')' after p(99, got '< 1'"}, Row{"p(101) < 1", "p(101): a percentile is 0 to 100"},
        Row{"p(99)", "expected one of < <= > >= == != after p(99), got the end of the text"},
        Row{"rate = 1", "expected one of < <= > >= == != after rate, got '= 1'"},
        Row{"rate <", "expected a number after '<', got the end of the text"},
        Row{"rate < x", "expected a number after '<', got 'x'"}, Row{"rate < nan", "expected a number after '<'"},
        Row{"max < 250ms", "unexpected 'ms' after 250; a number is plain, in the metric's unit (seconds: 0.25)"},
        Row{"rate < 1 and count > 2",
            "unexpected 'and count > 2' after 1; a threshold is one comparison, so declare one for each"},
        Row{"count > 0 && count < 9", "after 0; a threshold is one comparison, so declare one for each"}}) {
    INFO(row.text);
    const auto parsed = parse_threshold(row.text);
    REQUIRE_FALSE(parsed.ok());
    INFO(parsed.error().message);
    CHECK(parsed.error().message.find(row.message) != std::string::npos);
    CHECK(parsed.error().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("what does not parse is told with its column") {
  struct Row {
    const char* text;
    const char* column;
  };
  for (const Row& row :
       {Row{"", "column 1: "}, Row{"  avgg < 1", "column 3: "}, Row{"p99 < 1", "column 2: "},
        Row{"p(99 < 1", "column 6: "}, Row{"p( 101) < 1", "column 4: "}, Row{"p(99)", "column 6: "},
        Row{"rate  = 1", "column 7: "}, Row{"rate < x", "column 8: "}, Row{"max < 250ms", "column 10: "}}) {
    INFO(row.text);
    CHECK(parse_threshold(row.text).error().message.starts_with(row.column));
  }
}

TEST_CASE("percentiles and thresholds agree with a sorted list of a million values to three digits") {
  Metrics metrics;
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> value(-6, 2);
  std::vector<double> values(1'000'000);
  const SeriesId series = metrics.series("grpc_call_duration_seconds", {});
  for (double& v : values) {
    v = std::round(value(random) * 1e6) / 1e6;  // whole microseconds, as recorded
    metrics.record(series, v);
  }
  std::sort(values.begin(), values.end());
  const Snapshot snapshot = metrics.snapshot();
  for (const double p : {0.0, 0.1, 1.0, 10.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99, 99.999, 100.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(p * 1e4 - 1e-6));
    const double exact = values[std::max<std::size_t>(rank, 1) - 1];
    const std::string stat = fmt::format("p({})", p);
    const ThresholdResult result = judge(make("grpc_call_duration_seconds", stat + " >= 0"), snapshot, 10s);
    INFO(stat << " is " << exact << ", seen as " << *result.observed);
    CHECK(std::abs(*result.observed - exact) <= exact * 1e-3);
    // A bound a thousandth away is on the right side of it.
    CHECK(judge(make("grpc_call_duration_seconds", fmt::format("{} <= {}", stat, exact * 1.001)), snapshot, 10s).ok);
    CHECK(judge(make("grpc_call_duration_seconds", fmt::format("{} >= {}", stat, exact * 0.999)), snapshot, 10s).ok);
    CHECK_FALSE(
        judge(make("grpc_call_duration_seconds", fmt::format("{} < {}", stat, exact * 0.998)), snapshot, 10s).ok);
    CHECK_FALSE(
        judge(make("grpc_call_duration_seconds", fmt::format("{} > {}", stat, exact * 1.002)), snapshot, 10s).ok);
  }
}

TEST_CASE("a statistic must make sense for the metric's type") {
  struct Row {
    const char* text;
    MetricType type;
    bool ok;
  };
  for (const Row& row : {Row{"p(99) < 1", MetricType::histogram, true}, Row{"count > 1", MetricType::histogram, true},
                         Row{"p(99) < 1", MetricType::counter, false}, Row{"rate < 1", MetricType::counter, true},
                         Row{"avg < 1", MetricType::rate, false}, Row{"rate < 1", MetricType::rate, true},
                         Row{"max < 1", MetricType::gauge, true}, Row{"rate < 1", MetricType::gauge, false}}) {
    MetricSpec spec;
    spec.name = "thing";
    spec.type = row.type;
    const Outcome outcome = check_threshold(make("thing", row.text), spec);
    INFO(row.text << " on a " << to_string(row.type));
    CHECK(outcome.ok() == row.ok);
  }
  MetricSpec spec;
  spec.name = "grpc_calls";
  CHECK(check_threshold(make("grpc_calls", "p(99) < 1"), spec).error().message ==
        "threshold \"p(99) < 1\": grpc_calls is a counter, which has no p(99); it has count and rate");
}

TEST_CASE("thresholds are judged on what was measured") {
  struct Row {
    const char* metric;
    const char* text;
    Labels labels;
    bool ok;
    double observed;
  };
  const Snapshot snapshot = sample_run();
  const Labels ok_only = make_labels({{"code", "OK"}});
  for (const Row& row :
       {Row{"grpc_call_duration_seconds", "p(99) < 0.1", {}, true, 0.099},
        Row{"grpc_call_duration_seconds", "p(99) < 0.05", {}, false, 0.099},
        Row{"grpc_call_duration_seconds", "med <= 0.0501", {}, true, 0.05},
        Row{"grpc_call_duration_seconds", "avg > 0.06", {}, false, 0.0505},
        Row{"grpc_call_duration_seconds", "max == 0.1", {}, true, 0.1},
        Row{"grpc_call_duration_seconds", "min != 0.001", {}, false, 0.001},
        Row{"grpc_call_duration_seconds", "rate > 9", {}, true, 10}, Row{"grpc_calls", "count == 100", {}, true, 100},
        Row{"grpc_calls", "count >= 96", ok_only, false, 95}, Row{"grpc_calls", "rate >= 9.5", ok_only, true, 9.5},
        Row{"checks", "rate >= 0.75", {}, true, 0.75}, Row{"checks", "count > 4", {}, false, 4},
        Row{"vus", "max < 10", {}, true, 9}, Row{"vus", "min > 2", {}, false, 2}}) {
    const ThresholdResult result = judge(make(row.metric, row.text, row.labels), snapshot, 10s);
    INFO(row.metric << " " << row.text << ": " << result.why);
    CHECK(result.ok == row.ok);
    REQUIRE(result.observed);
    CHECK(*result.observed == Approx(row.observed).epsilon(2e-3));
    CHECK(result.why.empty() == row.ok);
  }
  CHECK(judge(make("vus", "min > 2"), snapshot, 10s).why == "min is 2, not > 2");
}

TEST_CASE("without samples a counter and a count are 0, everything else fails") {
  Metrics metrics;
  const Snapshot snapshot = metrics.snapshot();
  struct Row {
    const char* metric;
    const char* text;
    bool ok, observed;
  };
  for (const Row& row :
       {Row{"grpc_streams_failed", "count == 0", true, true}, Row{"grpc_streams_failed", "rate < 0.01", true, true},
        Row{"grpc_call_duration_seconds", "count > 0", false, true},
        Row{"grpc_call_duration_seconds", "p(99) < 1", false, false}, Row{"checks", "rate > 0.9", false, false},
        Row{"vus", "max < 10", false, false}, Row{"no_such_metric", "count < 10", false, false}}) {
    const ThresholdResult result = judge(make(row.metric, row.text), snapshot, 10s);
    INFO(row.metric << " " << row.text);
    CHECK(result.ok == row.ok);
    CHECK(result.observed.has_value() == row.observed);
    if (!row.observed) CHECK(result.why == "no samples");
  }
}

TEST_CASE("what can only rise holds for good once it is above its bound") {
  struct Row {
    std::string metric, text;
    MetricType type;
    bool for_good;
  };
  const std::vector<Row> rows = {
      {"grpc_calls", "count >= 100", MetricType::counter, true},
      {"grpc_calls", "rate > 5", MetricType::counter, true},
      {"grpc_calls", "count > 100", MetricType::counter, false},  // not yet
      {"grpc_calls", "count == 100", MetricType::counter, false},
      {"grpc_calls", "count < 101", MetricType::counter, false},
      {"grpc_call_duration_seconds", "count > 99", MetricType::histogram, true},
      {"grpc_call_duration_seconds", "max > 0.01", MetricType::histogram, false},
      {"checks", "rate > 0.5", MetricType::rate, false},
      {"vus", "max > 5", MetricType::gauge, false},
  };
  const Snapshot snapshot = sample_run();
  for (const Row& row : rows) {
    INFO(row.metric << " " << row.text);
    const Threshold threshold = make(row.metric, row.text);
    CHECK(holds_for_good(judge(threshold, snapshot, 10s), threshold.expression, row.type) == row.for_good);
  }
}
