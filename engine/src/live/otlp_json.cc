// OTLP's ExportMetricsServiceRequest in protobuf's JSON mapping: 64-bit numbers are strings, bytes and enums as the
// OTLP specification says (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "lgen/export.h"

namespace lgen {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kCumulative = 2;  // AggregationTemporality

std::string nanoseconds(double unix_seconds) {
  return std::to_string(static_cast<std::uint64_t>(std::llround(std::max(0.0, unix_seconds) * 1e6)) * 1000);
}

Json attribute(std::string_view key, std::string_view value) {
  return {{"key", key}, {"value", {{"stringValue", value}}}};
}

Json attributes_of(const Labels& labels) {
  Json all = Json::array();
  for (const auto& [name, value] : labels) all.push_back(attribute(name, value));
  return all;
}

std::string_view unit_of(const MetricSpec& spec) { return spec.unit == "B" ? "By" : std::string_view(spec.unit); }

/// Finite: JSON has no other numbers.
Json real(double value) { return std::isfinite(value) ? Json(value) : Json(0.0); }

class Request {
 public:
  Request(std::string start, std::string now) : start_(std::move(start)), now_(std::move(now)) {}

  void put(const MetricSnapshot& metric) {
    const std::string name = "lgen." + metric.spec.name;
    switch (metric.spec.type) {
      case MetricType::counter:
        return sum(metric, name, metric.spec.help, [](const SeriesSnapshot& s) { return s.value; });
      case MetricType::gauge:
        return gauge(metric, name);
      case MetricType::rate:
        sum(metric, name, rate_help(metric.spec, false),
            [](const SeriesSnapshot& s) { return static_cast<double>(s.count); });
        return sum(metric, name + "_hits", rate_help(metric.spec, true),
                   [](const SeriesSnapshot& s) { return static_cast<double>(s.hits); });
      case MetricType::histogram:
        return histogram(metric, name);
    }
  }
  Json take() { return std::move(metrics_); }

 private:
  Json point(const SeriesSnapshot& series) const {
    return {{"attributes", attributes_of(series.labels)}, {"startTimeUnixNano", start_}, {"timeUnixNano", now_}};
  }
  Json head(const MetricSnapshot& metric, const std::string& name, const std::string& help) const {
    return {{"name", name}, {"description", help}, {"unit", unit_of(metric.spec)}};
  }
  template <class Value>
  void sum(const MetricSnapshot& metric, const std::string& name, const std::string& help, Value value) {
    Json points = Json::array();
    for (const SeriesSnapshot& series : metric.series) {
      points.push_back(point(series));
      points.back()["asDouble"] = real(value(series));
    }
    metrics_.push_back(head(metric, name, help));
    metrics_.back()["sum"] = {
        {"dataPoints", std::move(points)}, {"aggregationTemporality", kCumulative}, {"isMonotonic", true}};
  }
  void gauge(const MetricSnapshot& metric, const std::string& name) {
    Json points = Json::array();
    for (const SeriesSnapshot& series : metric.series) {
      if (!std::isfinite(series.value)) continue;
      points.push_back(point(series));
      points.back()["asDouble"] = series.value;
    }
    metrics_.push_back(head(metric, name, metric.spec.help));
    metrics_.back()["gauge"] = {{"dataPoints", std::move(points)}};
  }
  Json histogram_point(const MetricSnapshot& metric, const SeriesSnapshot& series) const {
    const Histogram& histogram = *series.histogram;
    const auto bounds = export_bounds(metric.spec);
    const auto in_unit = [&](auto ticks) { return metric.in_unit(static_cast<double>(ticks)); };
    Json limits = Json::array(), counts = Json::array();
    std::uint64_t before = 0;
    const std::vector<std::uint64_t> cumulative = cumulative_counts(histogram, bounds);
    for (std::size_t i = 0; i < bounds.size(); before = cumulative[i++]) {
      limits.push_back(in_unit(bounds[i]));
      counts.push_back(std::to_string(cumulative[i] - before));
    }
    counts.push_back(std::to_string(histogram.count() - before));
    Json made = point(series);
    made["count"] = std::to_string(histogram.count());
    made["sum"] = in_unit(histogram.sum());
    made["min"] = in_unit(histogram.min());
    made["max"] = in_unit(histogram.max());
    made["explicitBounds"] = std::move(limits);
    made["bucketCounts"] = std::move(counts);
    return made;
  }
  void histogram(const MetricSnapshot& metric, const std::string& name) {
    Json points = Json::array();
    for (const SeriesSnapshot& series : metric.series) {
      if (series.histogram) points.push_back(histogram_point(metric, series));
    }
    metrics_.push_back(head(metric, name, metric.spec.help));
    metrics_.back()["histogram"] = {{"dataPoints", std::move(points)}, {"aggregationTemporality", kCumulative}};
  }

  const std::string start_, now_;
  Json metrics_ = Json::array();
};

Json resource_of(const RunInfo& run, const OtlpPoint& push) {
  Json all = Json::array();
  for (const auto& [key, value] : {std::pair<std::string_view, std::string_view>{"service.name", "lgen"},
                                   {"service.version", run.lgen_version},
                                   {"host.name", run.host},
                                   {"lgen.run.id", push.run_id},
                                   {"lgen.plan", run.plan},
                                   {"lgen.target", run.target}}) {
    if (!value.empty()) all.push_back(attribute(key, value));
  }
  for (const auto& [key, value] : push.tags) all.push_back(attribute(key, value));
  return {{"attributes", std::move(all)}};
}

}  // namespace

std::string render_otlp(const Snapshot& snapshot, const RunInfo& run, const OtlpPoint& push) {
  Request request(nanoseconds(run.started_unix), nanoseconds(push.at_unix));
  for (const MetricSnapshot& metric : snapshot.metrics) {
    if (!metric.series.empty() && !metric.spec.scraped) request.put(metric);
  }
  Json scope = {{"scope", {{"name", "lgen"}, {"version", run.lgen_version}}}, {"metrics", request.take()}};
  Json resource = {{"resource", resource_of(run, push)}, {"scopeMetrics", Json::array({std::move(scope)})}};
  const Json body = {{"resourceMetrics", Json::array({std::move(resource)})}};
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace lgen
