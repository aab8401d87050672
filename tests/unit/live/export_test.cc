#include "lgen/export.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <random>

#include "catch.h"
#include "lgen/exposition.h"

namespace lgen {
namespace {

using Json = nlohmann::json;

MetricSpec histogram_spec(std::string name, std::string unit, double scale = 0) {
  return {.name = std::move(name),
          .type = MetricType::histogram,
          .unit = std::move(unit),
          .help = "A \"help\"\\.",
          .scale = scale};
}

/// Values of every size, as many small ones as large ones.
std::vector<std::int64_t> random_ticks(std::size_t count) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> exponent(0, std::log(1e11));
  std::vector<std::int64_t> all;
  while (all.size() < count) all.push_back(std::llround(std::exp(exponent(random))));
  return all;
}

double value_of(const MetricsPage& page, std::string_view name, const std::vector<LabelView>& labels) {
  for (const PageSample& sample : page.samples()) {
    if (sample.name == name && std::equal(labels.begin(), labels.end(), sample.labels.begin(), sample.labels.end())) {
      return sample.value;
    }
  }
  FAIL("no sample " << name);
  return 0;
}

TEST_CASE("a bound is the end of a bucket, so that counts at it are exact") {
  for (const MetricSpec& spec : {histogram_spec("t", "s"), histogram_spec("b", "B"), histogram_spec("n", "", 0.5)}) {
    Histogram histogram;
    const std::vector<std::int64_t> values = random_ticks(100'000);
    for (const std::int64_t value : values) histogram.record(value);
    const auto bounds = export_bounds(spec);
    const std::vector<std::uint64_t> counts = cumulative_counts(histogram, bounds);
    REQUIRE(counts.size() == bounds.size());
    CHECK(bounds.size() >= 15);
    CHECK(std::is_sorted(bounds.begin(), bounds.end()));
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      INFO(spec.name << " at " << bounds[i]);
      const auto really = std::count_if(values.begin(), values.end(), [&](std::int64_t v) { return v <= bounds[i]; });
      const bool last = bounds[i] >= Histogram::kDefaultHighest;  // longer ones count as the longest
      CHECK(counts[i] == (last ? values.size() : static_cast<std::uint64_t>(really)));
    }
  }
}

TEST_CASE("bounds of times span 1 us to 24 h and stay close to round numbers") {
  const auto bounds = export_bounds(histogram_spec("t", "s"));
  CHECK(bounds.front() == 1);
  CHECK(bounds.back() >= 86'400'000'000);
  CHECK(std::find(bounds.begin(), bounds.end(), 1000) != bounds.end());
  CHECK(std::find(bounds.begin(), bounds.end(), 10'007) != bounds.end());
}

Snapshot everything(Metrics& metrics) {
  const auto size = metrics.define(histogram_spec("answer_bytes", "B"));
  const auto sold = metrics.define({.name = "sold", .type = MetricType::counter, .labels = {"kind"}});
  const auto done = metrics.define({.name = "done_total", .type = MetricType::counter});
  const auto heat = metrics.define({.name = "heat", .type = MetricType::gauge, .help = "Degrees."});
  const auto good = metrics.define({.name = "good", .type = MetricType::rate});
  metrics.add(metrics.series(*sold, {{"kind", "a\"b\\c\nd"}}), 2.5);
  metrics.add(metrics.series(*done, {}), 3);
  metrics.set(metrics.series(*heat, {}), -1.5);
  for (const bool yes : {true, false, true})
    metrics.hit(metrics.series(*good, {{"my-tag", "x"}, {"my.tag", "y"}}), yes);
  for (const double bytes : {1.0, 3.0, 4.0, 5.0, 100'000.0})
    metrics.record(metrics.series(*size, {{"le", "z"}}), bytes);
  metrics.record(metrics.series("iteration_duration_seconds", {{"scenario", "s"}}), std::chrono::milliseconds(10));
  return metrics.snapshot();
}

TEST_CASE("the page is what our own strict reader reads") {
  Metrics metrics;
  const RunInfo run{.plan = "plans/\xff.lua", .lgen_version = "1.2"};
  const std::string text = render_prometheus(everything(metrics), {run, true});
  INFO(text);
  const auto page = MetricsPage::parse(text);
  REQUIRE(page);
  CHECK(value_of(**page, "lgen_sold_total", {{"kind", "a\"b\\c\nd"}}) == 2.5);
  CHECK(value_of(**page, "lgen_done_total", {}) == 3);
  CHECK(value_of(**page, "lgen_heat", {}) == -1.5);
  CHECK(value_of(**page, "lgen_good_total", {{"my_tag", "x"}}) == 3);
  CHECK(value_of(**page, "lgen_good_hits_total", {{"my_tag", "x"}}) == 2);
  CHECK(value_of(**page, "lgen_run_finished", {}) == 1);
  CHECK(value_of(**page, "lgen_answer_bytes_bucket", {{"exported_le", "z"}, {"le", "4"}}) == 3);
  CHECK(value_of(**page, "lgen_answer_bytes_bucket", {{"exported_le", "z"}, {"le", "+Inf"}}) == 5);
  CHECK(value_of(**page, "lgen_answer_bytes_sum", {{"exported_le", "z"}}) == 100'013);
  CHECK(value_of(**page, "lgen_iteration_duration_seconds_bucket", {{"scenario", "s"}, {"le", "0.005003"}}) == 0);
  CHECK(value_of(**page, "lgen_iteration_duration_seconds_bucket", {{"scenario", "s"}, {"le", "0.010007"}}) == 1);
  CHECK(value_of(**page, "lgen_iteration_duration_seconds_sum", {{"scenario", "s"}}) == 0.01);
}

TEST_CASE("scraped metrics are not served again") {
  Metrics metrics;
  const auto up = metrics.define({.name = "up", .type = MetricType::gauge, .labels = {"pod"}, .scraped = true});
  REQUIRE(up);
  metrics.set(metrics.series(*up, {{"pod", "p"}}), 1);
  CHECK(render_prometheus(metrics.snapshot(), {{}, false}).find("lgen_up") == std::string::npos);
  CHECK(render_otlp(metrics.snapshot(), {}, {}).find("lgen.up") == std::string::npos);
}

const Json* find_metric(const Json& body, std::string_view name) {
  for (const Json& metric : body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]) {
    if (metric["name"] == name) return &metric;
  }
  return nullptr;
}

TEST_CASE("OTLP has the same figures, 64-bit numbers as strings") {
  Metrics metrics;
  const RunInfo run{.plan = "p.lua", .lgen_version = "1.2", .host = "h", .started_unix = 1000.5};
  const Json body = Json::parse(render_otlp(everything(metrics), run, {1003.25, "id", {{"team", "x"}}}));
  CHECK(body["resourceMetrics"][0]["resource"]["attributes"].dump().find("\"team\"") != std::string::npos);
  const Json* bytes = find_metric(body, "lgen.answer_bytes");
  REQUIRE(bytes);
  CHECK((*bytes)["unit"] == "By");
  CHECK((*bytes)["histogram"]["aggregationTemporality"] == 2);
  const Json& point = (*bytes)["histogram"]["dataPoints"][0];
  CHECK(point["count"] == "5");
  CHECK(point["sum"] == 100'013);
  CHECK(point["startTimeUnixNano"] == "1000500000000");
  CHECK(point["timeUnixNano"] == "1003250000000");
  CHECK(point["bucketCounts"].size() == point["explicitBounds"].size() + 1);
  std::uint64_t sum = 0;
  for (const Json& count : point["bucketCounts"]) sum += std::stoull(count.get<std::string>());
  CHECK(sum == 5);
  CHECK(point["bucketCounts"][1] == "2");  // 3 and 4, above 1
  const Json* good = find_metric(body, "lgen.good_hits");
  REQUIRE(good);
  CHECK((*good)["description"].get<std::string>().starts_with("True samples of: "));
  CHECK((*find_metric(body, "lgen.good"))["description"].get<std::string>().starts_with(
      "All samples, true or not, of: "));
  CHECK((*good)["sum"]["isMonotonic"] == true);
  CHECK((*good)["sum"]["dataPoints"][0]["asDouble"] == 2);
}

}  // namespace
}  // namespace lgen
