#include "lgen/timeline.h"

#include "catch.h"

using namespace lgen;
using namespace std::chrono_literals;

namespace {

const TimelineSeries& line_of(const TimelineData& data, std::string_view metric, const Labels& labels = {}) {
  for (const TimelineSeries& series : data.series) {
    if (series.metric == metric && series.labels == labels) return series;
  }
  FAIL("no line of " << metric);
  return data.series.at(0);
}

std::vector<double> sums(const TimelineSeries& series) {
  std::vector<double> out;
  for (const TimelinePoint& point : series.points) out.push_back(point.sum);
  return out;
}

double total(const TimelineSeries& series) {
  double sum = 0;
  for (const TimelinePoint& point : series.points) sum += point.sum;
  return sum;
}

}  // namespace

TEST_CASE("what happened in a second becomes that second's point") {
  Metrics metrics;
  Timeline timeline(metrics);
  const SeriesId n = metrics.series("iterations", {}), lag = metrics.series("loop_lag_seconds", {});
  metrics.add(n, 3);
  metrics.record(lag, 10ms);
  metrics.record(lag, 30ms);
  timeline.tick(1s);
  timeline.tick(2s);  // nothing happened
  metrics.add(n, 4);
  metrics.add(n, 1);
  timeline.tick(3001ms);

  const TimelineData data = timeline.data();
  CHECK(data.interval == 1s);
  CHECK(sums(line_of(data, "iterations")) == std::vector<double>{3, 0, 5});
  const TimelinePoint& point = line_of(data, "loop_lag_seconds").points[0];
  CHECK(point.count == 2);
  CHECK(point.sum == Approx(0.04));
  CHECK(point.min == Approx(0.01));
  CHECK(point.max == Approx(0.03));
  CHECK(point.buckets.size() == 2);
  CHECK(point.buckets.begin()->second == 1);
  CHECK(point.buckets.begin()->first <= 10'000);
  CHECK(point.buckets.begin()->first > 9'900);
  CHECK(line_of(data, "loop_lag_seconds").points[2].count == 0);
}

TEST_CASE("the open second is part of the data and is not lost by looking at it") {
  Metrics metrics;
  Timeline timeline(metrics);
  const SeriesId n = metrics.series("iterations", {});
  metrics.add(n, 3);
  timeline.tick(1s);
  metrics.add(n, 2);
  timeline.tick(1900ms);
  CHECK(sums(line_of(timeline.data(), "iterations")) == std::vector<double>{3, 2});
  timeline.tick(2s);
  CHECK(sums(line_of(timeline.data(), "iterations")) == std::vector<double>{3, 2});
}

TEST_CASE("samples of a pause belong to its end") {
  Metrics metrics;
  Timeline timeline(metrics);
  metrics.add(metrics.series("iterations", {}), 9);
  timeline.tick(4s);
  CHECK(sums(line_of(timeline.data(), "iterations")) == std::vector<double>{0, 0, 0, 9});
}

TEST_CASE("a resting gauge keeps its value, and starts a second with the value it had") {
  Metrics metrics;
  Timeline timeline(metrics);
  const SeriesId vus = metrics.series("vus", {});
  timeline.tick(1s);
  metrics.set(vus, 8);
  timeline.tick(2s);
  timeline.tick(4s);
  metrics.set(vus, 2);
  timeline.tick(5s);
  const auto points = line_of(timeline.data(), "vus").points;
  REQUIRE(points.size() == 5);
  CHECK(points[0].count == 0);
  CHECK(points[1].max == 8);
  CHECK(points[2].min == 8);
  CHECK(points[3].sum / static_cast<double>(points[3].count) == 8);
  CHECK(points[4].min == 2);
  CHECK(points[4].max == 8);
}

TEST_CASE("beyond 3,600 points neighbours merge, the interval doubles and nothing is lost") {
  Metrics metrics;
  Timeline timeline(metrics);
  const SeriesId n = metrics.series("iterations", {}), lag = metrics.series("loop_lag_seconds", {}),
                 vus = metrics.series("vus", {});
  for (int second = 1; second <= 10'000; ++second) {
    metrics.add(n, second);
    if (second % 3 == 0) metrics.record(lag, Duration(second * 1000));
    metrics.set(vus, second);
    timeline.tick(std::chrono::seconds(second));
  }
  const TimelineData data = timeline.data();
  CHECK(data.interval == 4s);
  const TimelineSeries& line = line_of(data, "iterations");
  CHECK(line.points.size() == 2500);
  CHECK(total(line) == 10'000.0 * 10'001 / 2);
  CHECK(line.points[0].sum == 1 + 2 + 3 + 4);
  CHECK(line.points[0].count == 4);
  CHECK(line.points[2499].sum == 9997.0 + 9998 + 9999 + 10000);
  CHECK(line_of(data, "vus").points[2499].max == 10'000);
  std::uint64_t in_buckets = 0, in_points = 0;
  for (const TimelinePoint& point : line_of(data, "loop_lag_seconds").points) {
    in_points += point.count;
    std::int64_t before = -1;
    for (const auto& [value, count] : point.buckets) {
      in_buckets += count;
      CHECK(value > before);
      before = value;
    }
  }
  CHECK(in_points == 3333);
  CHECK(in_buckets == 3333);
}

TEST_CASE("at most fifty histograms keep buckets") {
  Metrics metrics;
  Timeline timeline(metrics);
  for (int i = 0; i < 80; ++i) {
    metrics.record(metrics.series("iteration_duration_seconds", {{"scenario", std::to_string(i)}}), 5ms);
  }
  timeline.tick(1s);
  int detailed = 0;
  for (const TimelineSeries& series : timeline.data().series) detailed += series.points[0].buckets.empty() ? 0 : 1;
  CHECK(detailed == 50);
  CHECK(timeline.data().series.size() == 80);
}

TEST_CASE("many series widen the interval sooner, so memory stays bounded whatever their number") {
  Metrics metrics;
  Timeline timeline(metrics);
  std::vector<SeriesId> ids;
  for (int i = 0; i < 10'000; ++i) ids.push_back(metrics.series("grpc_calls", {{"backend", std::to_string(i)}}));
  for (int second = 1; second <= 450; ++second) {
    for (const SeriesId id : ids) metrics.add(id);
    timeline.tick(std::chrono::seconds(second));
  }
  const TimelineData data = timeline.data();
  CHECK(data.interval == 4s);
  CHECK(data.series.size() == 10'000);
  CHECK(data.series[77].points.size() <= 200);
  CHECK(total(data.series[77]) == 450);
}

TEST_CASE("series that appear later line up with the others") {
  Metrics metrics;
  Timeline timeline(metrics);
  timeline.tick(5s);
  metrics.add(metrics.series("iterations", {{"scenario", "late"}}), 2);
  timeline.tick(6s);
  CHECK(sums(line_of(timeline.data(), "iterations", {{"scenario", "late"}})) == std::vector<double>{0, 0, 0, 0, 0, 2});
}

TEST_CASE("packed buckets are read as they were given, and merge") {
  const std::vector<PackedBuckets::Bucket> given = {{0, 1}, {5, 300}, {1'000'000'007, UINT64_MAX}, {INT64_MAX, 2}};
  const PackedBuckets packed(given);
  CHECK(std::vector<PackedBuckets::Bucket>(packed.begin(), packed.end()) == given);
  CHECK(packed.size() == 4);
  CHECK(PackedBuckets().empty());
  CHECK(merge({}, packed) == packed);
  CHECK(merge(packed, {}) == packed);
  CHECK(merge({{1, 1}, {3, 1}, {9, 1}}, {{0, 2}, {3, 2}, {4, 2}, {10, 2}, {11, 2}}) ==
        PackedBuckets{{0, 2}, {1, 1}, {3, 3}, {4, 2}, {9, 1}, {10, 2}, {11, 2}});
}

TEST_CASE("histograms of the plan leave room for the built-in latencies in the time lines") {
  Metrics metrics;
  Timeline timeline(metrics);
  const auto own = metrics.define({.name = "mine", .type = MetricType::histogram, .labels = {"k"}});
  REQUIRE(own);
  for (int i = 0; i < 60; ++i) metrics.record(metrics.series(*own, {{"k", std::to_string(i)}}), 1ms);
  for (const char* pod : {"a", "b"}) {
    metrics.record(metrics.series("grpc_call_duration_seconds", {{"backend", pod}}), 5ms);
  }
  timeline.tick(1s);
  std::size_t own_detailed = 0, latencies_detailed = 0;
  for (const TimelineSeries& series : timeline.data().series) {
    if (series.points[0].buckets.empty()) continue;
    ++(series.metric == "mine" ? own_detailed : latencies_detailed);
  }
  CHECK(latencies_detailed == 2);
  CHECK(own_detailed == 20);
}
