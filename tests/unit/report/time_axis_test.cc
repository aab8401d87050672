#include "time_axis.h"

#include "catch.h"
#include "lgen/summary.h"
#include "page_data.h"
#include "page_number.h"

using namespace lgen;
using namespace lgen::html;

namespace {

TimelineSeries counter(std::size_t points, std::string_view code) {
  TimelineSeries series{"grpc_calls", make_labels({{"code", code}}), {}};
  for (std::size_t i = 0; i < points; ++i) series.points.push_back({2, 3, 1, 2, {}});
  return series;
}

double sum_of(const Json& values) {
  double sum = 0;
  for (const Json& value : values) sum += value.get<double>();
  return sum;
}

}  // namespace

TEST_CASE("an axis has at most 600 intervals of whole seconds") {
  struct Row {
    std::size_t points, merged, length;
  };
  for (const Row& row :
       {Row{0, 1, 0}, {1, 1, 1}, {600, 1, 600}, {601, 2, 301}, {1200, 2, 600}, {1201, 3, 401}, {3600, 6, 600}}) {
    INFO(row.points << " points");
    TimelineData data;
    data.interval = std::chrono::seconds(2);
    data.series = {counter(row.points, "OK"), counter(row.points / 2, "UNAVAILABLE")};
    const TimeAxis axis = time_axis(data);
    CHECK(axis.merged == row.merged);
    CHECK(axis.length == row.length);
    CHECK(axis.step == 2.0 * static_cast<double>(row.merged));
  }
}

TEST_CASE("merging neighbours keeps sums, extremes and buckets") {
  TimelineSeries series{"grpc_call_duration_seconds", {}, {}};
  series.points = {{2, 0.003, 0.001, 0.002, {{1000, 1}, {2000, 1}}},
                   {1, 0.002, 0.002, 0.002, {{2000, 1}}},
                   {},
                   {1, 0.009, 0.009, 0.009, {{9000, 1}}}};
  TimelineData data;
  data.series = {series};
  const TimeAxis axis = time_axis(data, 2);
  const Points points = add_up(data, axis, "grpc_call_duration_seconds");
  REQUIRE(points.size() == 2);
  CHECK(points[0].count == 3);
  CHECK(points[0].min == 0.001);
  CHECK(points[0].max == 0.002);
  CHECK(points[0].buckets == decltype(points[0].buckets){{1000, 1}, {2000, 2}});
  CHECK(points[1].count == 1);
  CHECK(points[1].min == 0.009);  // the empty neighbour's zero is no sample
  CHECK(add_up(data, axis, "grpc_calls").empty());
}

TEST_CASE("percentiles of a point are by nearest rank") {
  TimelinePoint point;
  point.buckets = {{10, 50}, {20, 45}, {30, 4}, {40, 1}};
  CHECK(percentile_of(point, 0) == 10);
  CHECK(percentile_of(point, 50) == 10);
  CHECK(percentile_of(point, 51) == 20);
  CHECK(percentile_of(point, 95) == 20);
  CHECK(percentile_of(point, 99) == 30);
  CHECK(percentile_of(point, 100) == 40);
}

TEST_CASE("a chart of rates adds up to the metric's total, merged or not") {
  for (const std::size_t points : {1u, 59u, 3600u}) {
    Summary summary;
    summary.timelines.series = {counter(points, "OK"), counter(points, "UNAVAILABLE")};
    const Json time = time_part(summary);
    const Json& chart = time["charts"][0];
    REQUIRE(chart["id"] == "calls");
    REQUIRE(chart["lines"].size() == 2);
    CHECK(chart["lines"][0]["name"] == "OK");
    CHECK(chart["lines"][0]["values"].size() <= kMaxIntervals);
    CHECK(sum_of(chart["lines"][0]["values"]) * time["step"].get<double>() == 3.0 * static_cast<double>(points));
  }
}

TEST_CASE("the last interval counts for as long as it was filled, a short rest with the one before it") {
  struct Row {
    double length, last;
    std::size_t intervals;
  };
  // Three seconds of 3 each, of which the third is cut short.
  for (const Row& row : {Row{0, 1, 3}, {3, 1, 3}, {2.75, 0.75, 3}, {2.5, 0.5, 3}, {2.25, 1.25, 2}}) {
    INFO(row.length << " s");
    Summary summary;
    summary.timelines.series = {counter(3, "OK")};
    summary.timelines.length = from_seconds(row.length);
    const Json time = time_part(summary);
    CHECK(time["length"] == row.intervals);
    CHECK(time["last_step"] == row.last);
    const Json& values = time["charts"][0]["lines"][0]["values"];
    REQUIRE(values.size() == row.intervals);
    CHECK(values[0] == 3);
    CHECK(values.back().get<double>() * row.last == Approx(row.intervals == 2 ? 6 : 3));
  }
}

TEST_CASE("the warm-up is where its samples are, and no longer than it was") {
  const auto samples = [](std::vector<std::uint64_t> counts, std::string_view phase, std::string_view scenario) {
    TimelineSeries series{"iterations", make_labels({{"phase", phase}, {"scenario", scenario}}), {}};
    for (const std::uint64_t n : counts) series.points.push_back({n, static_cast<double>(n), 1, 1, {}});
    return series;
  };
  Summary summary;
  Metrics metrics;
  metrics.add(metrics.series("iterations", {}));
  summary.metrics = metrics.snapshot();
  summary.scenarios.resize(3);
  for (const auto& [i, name, warmup] : {std::tuple(0, "a", 3), {1, "b", 2}, {2, "c", 0}}) {
    summary.scenarios[static_cast<std::size_t>(i)].name = name;
    summary.scenarios[static_cast<std::size_t>(i)].warmup = std::chrono::seconds(warmup);
  }
  summary.timelines.series = {samples({0, 4, 4, 4, 1, 0, 1, 0, 0, 0}, "warmup", "a"),  // the last has ended late
                              samples({0, 0, 0, 0, 4, 4, 4, 4, 4, 4}, "main", "a"),
                              samples({0, 0, 0, 0, 0, 0, 0, 5, 5, 0}, "warmup", "b"),
                              samples({1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "main", "c")};
  CHECK(time_part(summary)["warmups"] == Json::parse("[[1, 4], [7, 9]]"));
  summary.scenarios[1].name = "elsewhere";
  CHECK(time_part(summary)["warmups"] == Json::parse("[[1, 4]]"));
}

TEST_CASE("a gauge is drawn where it has a value: from when it was set, and not while its pod is gone") {
  Metrics metrics;
  const auto level = metrics.define({"level", MetricType::gauge, "", "", {}});
  REQUIRE(level);
  metrics.set(metrics.series(*level, {}), 7);
  Summary summary;
  summary.metrics = metrics.snapshot();
  TimelineSeries series{"level", {}, {{}, {1, 5, 5, 5, {}}, {}, {1, 0, 0, 0, {}}}};
  summary.timelines.series = {series};
  const Json time = time_part(summary);
  REQUIRE(time["charts"].size() == 1);
  CHECK(time["charts"][0]["lines"][0]["values"].dump() == "[null,5,null,0]");
}

TEST_CASE("streams by backend are those opened minus those ended") {
  Summary summary;
  TimelineSeries opened{"grpc_stream_open_seconds", make_labels({{"backend", "pod-1"}}), {}};
  opened.points = {{3, 0.1, 0.01, 0.05, {}}, {}, {1, 0.1, 0.1, 0.1, {}}, {}};
  TimelineSeries ended{"grpc_streams_ended", make_labels({{"backend", "pod-1"}, {"code", "OK"}}), {}};
  ended.points = {{}, {2, 2, 1, 1, {}}, {}, {2, 2, 1, 1, {}}};
  TimelineSeries elsewhere{"grpc_streams_ended", make_labels({{"backend", "unknown"}, {"code", "UNAVAILABLE"}}), {}};
  elsewhere.points = {{}, {9, 9, 1, 1, {}}, {}, {}};
  summary.timelines.series = {opened, ended, elsewhere};
  const Json time = time_part(summary);
  for (const Json& chart : time["charts"]) {
    if (chart["id"] != "streams") continue;
    REQUIRE(chart["lines"].size() == 1);
    CHECK(chart["lines"][0]["values"] == Json::array({3, 1, 2, 0}));
    return;
  }
  FAIL("there is no chart of streams");
}

TEST_CASE("numbers of charts have four digits") {
  CHECK(rounded(0) == Json(0));
  CHECK(rounded(123456789) == Json(123456789));
  CHECK(rounded(1234.5678).dump() == "1235");
  CHECK(rounded(0.00151049).dump() == "0.00151");
  CHECK(rounded(-2.34567).dump() == "-2.346");
  CHECK(rounded(std::numeric_limits<double>::infinity()).is_null());
}

TEST_CASE("names are ordered as people count") {
  CHECK(in_natural_order({"pod-10", "unknown", "pod-9", "pod-09", "overflow", "pod", "zone", "pod-1"}) ==
        std::vector<std::string>{"pod", "pod-1", "pod-09", "pod-9", "pod-10", "zone", "overflow", "unknown"});
}

TEST_CASE("a text is cut between characters") {
  CHECK(cut("abc", 3) == "abc");
  CHECK(cut("abcd", 3) == "abc…");
  CHECK(cut("aäöü", 4) == "aä…");
}
