#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "json_fields.h"
#include "json_text.h"
#include "lgen/report.h"

namespace lgen {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const TimelinePoint& point);
Json json_of(const Pairs& pairs);
Json json_of(const Fields& values);
Json json_of(const std::string& text) { return text; }
Json json_of(bool yes) { return yes; }
Json json_of(int n) { return n; }
Json json_of(std::uint64_t n) { return n; }
/// Whole numbers without ".0"; what JSON has no number for (NaN, infinite) as null.
Json json_of(double x) {
  constexpr double kExact = 9007199254740992;  // 2^53
  if (!std::isfinite(x)) return {};
  if (x == std::floor(x) && std::fabs(x) < kExact) return static_cast<std::int64_t>(x);
  return x;
}
Json json_of(Duration d) { return json_of(static_cast<double>(d.count()) / 1e9); }
Json json_of(Validity v) { return std::string(to_string(v)); }
Json json_of(VerdictKind v) { return std::string(to_string(v)); }
Json json_of(MetricType v) { return std::string(to_string(v)); }
template <class T>
Json json_of(const std::optional<T>& value);
template <class T>
Json json_of(const std::vector<T>& values);
template <class T>
Json json_of(const T& value);

/// Walks a description of fields and makes a JSON object of them.
class Writer {
 public:
  template <class T>
  void operator()(const char* key, const T& value) {
    object[key] = json_of(value);
  }
  template <class T>
  void later(const char* key, const T& value) {
    (*this)(key, value);
  }
  Json object = Json::object();
};

template <class T>
Json json_of(const std::optional<T>& value) {
  return value ? json_of(*value) : Json();
}

template <class T>
Json json_of(const std::vector<T>& values) {
  Json array = Json::array();
  for (const T& value : values) array.push_back(json_of(value));
  return array;
}

template <class T>
Json json_of(const T& value) {
  Writer writer;
  fields(writer, value);
  return std::move(writer.object);
}

Json json_of(const Pairs& pairs) {
  Json object = Json::object();
  for (const auto& [key, value] : pairs) object[key] = value;
  return object;
}

Json json_of(const Fields& values) {
  Json object = Json::object();
  for (const auto& [key, value] : values) {
    object[key] = std::visit([](const auto& typed) { return json_of(typed); }, value);
  }
  return object;
}

/// [count, sum, min, max, [[value, count], …]]: there are many of them.
Json json_of(const TimelinePoint& point) {
  Json buckets = Json::array();
  for (const auto& [value, count] : point.buckets) buckets.push_back(Json::array({value, count}));
  return Json::array({point.count, json_of(point.sum), json_of(point.min), json_of(point.max), std::move(buckets)});
}

/// Percentiles are for people and tools; what is read back is the base64, with the exact extremes and sum beside it.
void put_histogram(Json& object, const MetricSnapshot& metric, const SeriesSnapshot& series) {
  const Histogram histogram = series.histogram.value_or(Histogram());
  const auto value = [&](auto ticks) { return json_of(metric.in_unit(static_cast<double>(ticks))); };
  object["count"] = histogram.count();
  object["min"] = value(histogram.min());
  object["avg"] = value(histogram.mean());
  object["med"] = value(histogram.percentile(50));
  object["p90"] = value(histogram.percentile(90));
  object["p95"] = value(histogram.percentile(95));
  object["p99"] = value(histogram.percentile(99));
  object["max"] = value(histogram.max());
  object["sum"] = value(histogram.sum());
}

Json figures_of(const MetricSnapshot& metric, const SeriesSnapshot& series) {
  Writer writer;
  if (metric.spec.type == MetricType::histogram) {
    put_histogram(writer.object, metric, series);
  } else {
    number_fields(writer, series, metric.spec.type);
  }
  return std::move(writer.object);
}

Json series_of(const MetricSnapshot& metric, const SeriesSnapshot& series) {
  Json object = Json::object();
  object["labels"] = json_of(series.labels);
  object.update(figures_of(metric, series));
  if (series.histogram) object["hdr"] = series.histogram->encode_base64();
  return object;
}

/// "total" adds the series up, warm-up left out; the reader takes the series alone.
Json metric_of(const MetricSnapshot& metric) {
  Json object = json_of(metric.spec);
  object["total"] = figures_of(metric, aggregate(metric, {}));
  Json all = Json::array();
  for (const SeriesSnapshot& series : metric.series) all.push_back(series_of(metric, series));
  object["series"] = std::move(all);
  return object;
}

/// Writes a summary member by member: as one tree of values it would take ten times the memory of its text. What is
/// long is taken apart further, down to one metric and one time line.
class Document {
 public:
  Document() { (*this)("schema", std::string(kSummarySchema)); }

  template <class T>
  void operator()(const char* key, const T& value) {
    member(key, 2);
    put(value);
  }
  template <class T>
  void later(const char* key, const T& value) {
    (*this)(key, value);
  }
  std::string text() && {
    text_ += "\n}\n";
    return std::move(text_);
  }

 private:
  void member(std::string_view key, std::size_t indent) {
    next();
    append_key(key, indent, text_);
  }
  void next() { text_ += std::exchange(opened_, false) ? "\n" : ",\n"; }
  void open(char bracket) {
    text_ += bracket;
    opened_ = true;
  }
  void close(char bracket, std::size_t indent) {
    text_ += std::exchange(opened_, false) ? "" : "\n" + std::string(indent, ' ');
    text_ += bracket;
  }

  template <class T>
  void put(const T& value) {
    append_json(json_of(value), 2, text_);
  }
  /// By name; metrics that were never used are left out.
  void put(const Snapshot& snapshot) {
    open('{');
    for (const MetricSnapshot& metric : snapshot.metrics) {
      if (metric.series.empty()) continue;
      member(metric.spec.name, 4);
      append_json(metric_of(metric), 4, text_);
    }
    close('}', 2);
  }
  void put(const TimelineData& data) {
    constexpr std::size_t kOnOneLine = 2;  // so few may be
    if (data.series.size() <= kOnOneLine) return append_json(json_of(data), 2, text_);
    open('{');
    TimelineData head{data.interval, data.length, {}};
    const Json members = json_of(head);
    for (const auto& [key, value] : members.items()) {
      if (key == "series") continue;
      member(key, 4);
      append_json(value, 4, text_);
    }
    member("series", 4);
    open('[');
    for (const TimelineSeries& series : data.series) {
      next();
      text_.append(6, ' ');
      append_json(json_of(series), 6, text_);
    }
    close(']', 4);
    close('}', 2);
  }

  bool opened_ = true;
  std::string text_ = "{";
};

}  // namespace

std::string render_json(const Summary& summary) {
  Document document;
  fields(document, summary);
  return std::move(document).text();
}

}  // namespace lgen
