#include "lgen/bucket_percentile.h"

#include <vector>

#include "catch.h"
#include "lgen/threshold.h"

using namespace lgen;

namespace {

using Buckets = std::vector<std::pair<const char*, double>>;

MetricSnapshot metric_of(const Buckets& buckets, std::string_view pod = "a") {
  MetricSnapshot metric;
  metric.spec = {.name = "x_bucket", .type = MetricType::counter, .scraped = true, .type_told = true};
  for (const auto& [le, count] : buckets) {
    SeriesSnapshot series{.labels = make_labels({{"le", le}, {"pod", pod}})};
    series.value = count;
    metric.series.push_back(series);
  }
  return metric;
}

}  // namespace

TEST_CASE("percentiles of buckets are those of Prometheus' histogram_quantile") {
  // What promql/testdata/histograms.test of Prometheus expects of the same buckets.
  const Buckets positive = {{"0.1", 50}, {".2", 70}, {"1e0", 110}, {"+Inf", 120}};
  const Buckets negative = {{"-.2", 10}, {"-0.1", 20}, {"0.3", 20}, {"+Inf", 30}};
  struct Row {
    const Buckets& buckets;
    double p, value;
  };
  for (const Row& row : {Row{positive, 0, 0},
                         {positive, 20, 0.048},
                         {positive, 50, 0.15},
                         {positive, 80, 0.72},
                         {positive, 100, 1},
                         {negative, 0, -0.2},
                         {negative, 20, -0.2},
                         {negative, 50, -0.15},
                         {negative, 80, 0.3},
                         {negative, 100, 0.3}}) {
    INFO(row.p << " of " << row.buckets[0].first);
    CHECK(BucketSums(metric_of(row.buckets), {}).percentile(row.p).value() == Approx(row.value));
  }
}

TEST_CASE("buckets that say nothing have no percentiles") {
  for (const Buckets& buckets : {Buckets{}, {{"+Inf", 5}}, {{"1", 0}, {"+Inf", 0}}, {{"1", 5}, {"2", 5}}}) {
    const BucketSums sums(metric_of(buckets), {});
    CHECK(!sums.percentile(50));
  }
  MetricSnapshot overflowed = metric_of({{"1", 5}, {"+Inf", 5}});
  overflowed.series.push_back({.labels = {{"overflow", "true"}}, .value = 7});
  CHECK(BucketSums(overflowed, {}).count() == 0);
}

TEST_CASE("pods are added up, or chosen by label, and a limit may be written in two ways") {
  MetricSnapshot metric = metric_of({{"1", 10}, {"2", 10}, {"+Inf", 10}});
  for (const SeriesSnapshot& series : metric_of({{"1.0", 0}, {"2.0", 10}, {"+Inf", 10}}, "b").series) {
    metric.series.push_back(series);
  }
  CHECK(BucketSums(metric, {}).count() == 20);
  CHECK(BucketSums(metric, {}).percentile(75).value() == Approx(1.5));
  CHECK(BucketSums(metric, {{"pod", "a"}}).percentile(50).value() == Approx(0.5));
  CHECK(BucketSums(metric, {{"pod", "b"}}).percentile(50).value() == Approx(1.5));
}

TEST_CASE("thresholds ask scraped buckets for percentiles of the whole run") {
  Snapshot snapshot;
  snapshot.metrics = {metric_of({{"0.1", 50}, {"0.2", 90}, {"1", 100}, {"+Inf", 100}})};
  const MetricSpec& spec = snapshot.metrics[0].spec;
  const auto threshold = [](const std::string& text) {
    return Threshold{"x_bucket", text, *parse_threshold(text), {}, ""};
  };
  for (const auto& [text, ok] : {std::pair("p(90) <= 0.21", true), {"p(99) < 0.9", false}, {"med < 0.11", true}}) {
    INFO(text);
    CHECK(check_threshold(threshold(text), spec));
    CHECK(judge(threshold(text), snapshot, std::chrono::seconds(1)).ok == ok);
  }
  CHECK(judge(threshold("p(99) < 0.9"), snapshot, std::chrono::seconds(1)).why == "p(99) is 0.92, not < 0.9");
  Threshold over = threshold("p(99) < 0.9");
  over.over = std::chrono::seconds(10);
  CHECK(check_threshold(over, spec).error().message.find("those of the whole run; leave over, after and abort out") !=
        std::string::npos);
  CHECK(!check_threshold(threshold("avg < 1"), spec));
}
