#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "json_fields.h"
#include "lgen/json_problem.h"
#include "lgen/report.h"

namespace lgen {
namespace {

using Json = nlohmann::ordered_json;

/// Where the reader stands in the document, and the first thing it found wrong.
struct Cursor {
  std::string path;
  std::string problem;

  bool failed() const { return !problem.empty(); }
  void fail(std::string_view what) {
    if (!failed()) problem = fmt::format("{}: {}", path.empty() ? "the document" : path, what);
  }
  void expected(std::string_view what, const Json& found) {
    fail(fmt::format("expected {}, found {}", what, found.type_name()));
  }
};

/// Lengthens the path for as long as it lives.
class Step {
 public:
  Step(Cursor& cursor, std::string_view key) : cursor_(cursor), before_(cursor.path.size()) {
    if (!cursor.path.empty()) cursor.path += '.';
    cursor.path += key;
  }
  Step(Cursor& cursor, std::size_t index) : cursor_(cursor), before_(cursor.path.size()) {
    cursor.path += fmt::format("[{}]", index);
  }
  ~Step() { cursor_.path.resize(before_); }
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

 private:
  Cursor& cursor_;
  std::size_t before_;
};

void read(const Json& json, Snapshot& snapshot, Cursor& at);
void read(const Json& json, TimelinePoint& point, Cursor& at);
void read(const Json& json, Pairs& pairs, Cursor& at);
void read(const Json& json, Fields& values, Cursor& at);
template <class T>
void read(const Json& json, std::optional<T>& value, Cursor& at);
template <class T>
void read(const Json& json, std::vector<T>& values, Cursor& at);
template <class T>
void read(const Json& json, T& value, Cursor& at);

void read(const Json& json, std::string& text, Cursor& at) {
  if (!json.is_string()) return at.expected("a string", json);
  text = json.get<std::string>();
}

void read(const Json& json, bool& yes, Cursor& at) {
  if (!json.is_boolean()) return at.expected("true or false", json);
  yes = json.get<bool>();
}

void read(const Json& json, std::uint64_t& n, Cursor& at) {
  if (!json.is_number_unsigned()) return at.expected("a whole number from 0", json);
  n = json.get<std::uint64_t>();
}

template <class Int>
void read_integer(const Json& json, Int& n, Cursor& at) {
  if (!json.is_number_integer()) return at.expected("a whole number", json);
  n = json.get<Int>();
}
void read(const Json& json, int& n, Cursor& at) { read_integer(json, n, at); }
void read(const Json& json, std::int64_t& n, Cursor& at) { read_integer(json, n, at); }

/// null stands for what JSON has no number for: infinite, or not a number.
void read(const Json& json, double& x, Cursor& at) {
  if (!json.is_number() && !json.is_null()) return at.expected("a number", json);
  x = json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

void read(const Json& json, Duration& d, Cursor& at) {
  double seconds = 0;
  read(json, seconds, at);
  d = from_seconds(seconds);
}

template <class Enum, std::size_t N>
void read_word(const Json& json, Enum& value, const std::array<Enum, N>& all, Cursor& at) {
  std::string word;
  read(json, word, at);
  for (const Enum one : all) {
    if (to_string(one) == word) {
      value = one;
      return;
    }
  }
  at.fail(fmt::format("unknown word '{}'", word));
}
void read(const Json& json, Validity& v, Cursor& at) {
  read_word(json, v, std::array{Validity::valid, Validity::suspect, Validity::invalid}, at);
}
void read(const Json& json, VerdictKind& v, Cursor& at) {
  read_word(json, v,
            std::array{VerdictKind::per_connection, VerdictKind::per_stream, VerdictKind::per_stream_within_subset,
                       VerdictKind::inconclusive},
            at);
}
void read(const Json& json, MetricType& v, Cursor& at) {
  read_word(json, v, std::array{MetricType::counter, MetricType::gauge, MetricType::rate, MetricType::histogram}, at);
}

/// Walks a description of fields and fills them from a JSON object.
class Reader {
 public:
  Reader(const Json& object, Cursor& at) : object_(object), at_(at) {
    if (!object.is_object()) at.expected("an object", object);
  }
  template <class T>
  void operator()(std::string_view key, T& value) {
    if (at_.failed()) return;
    const Step step(at_, key);
    const auto found = object_.find(key);
    if (found == object_.end()) return at_.fail("missing");
    read(*found, value, at_);
  }
  template <class T>
  void later(std::string_view key, T& value) {
    if (!at_.failed() && object_.contains(key)) (*this)(key, value);
  }

 private:
  const Json& object_;
  Cursor& at_;
};

template <class T>
void read(const Json& json, T& value, Cursor& at) {
  Reader reader(json, at);
  fields(reader, value);
}

template <class T>
void read(const Json& json, std::optional<T>& value, Cursor& at) {
  value.reset();
  if (!json.is_null()) read(json, value.emplace(), at);
}

template <class T>
void read(const Json& json, std::vector<T>& values, Cursor& at) {
  if (!json.is_array()) return at.expected("an array", json);
  values.assign(json.size(), T{});
  for (std::size_t i = 0; i < json.size() && !at.failed(); ++i) {
    const Step step(at, i);
    read(json[i], values[i], at);
  }
}

void read(const Json& json, Pairs& pairs, Cursor& at) {
  if (!json.is_object()) return at.expected("an object", json);
  for (auto member = json.begin(); member != json.end() && !at.failed(); ++member) {
    const Step step(at, member.key());
    read(*member, pairs.emplace_back(member.key(), "").second, at);
  }
}

void read(const Json& json, Scalar& value, Cursor& at) {
  if (json.is_string()) {
    value = json.get<std::string>();
  } else if (json.is_boolean()) {
    value = json.get<bool>();
  } else {
    read(json, value.emplace<double>(), at);
  }
}

void read(const Json& json, Fields& values, Cursor& at) {
  if (!json.is_object()) return at.expected("an object", json);
  for (auto member = json.begin(); member != json.end() && !at.failed(); ++member) {
    const Step step(at, member.key());
    read(*member, values.emplace_back(member.key(), Scalar()).second, at);
  }
}

void read_bucket(const Json& json, PackedBuckets::Bucket& bucket, Cursor& at) {
  if (!json.is_array() || json.size() != 2) return at.expected("[value, count]", json);
  read(json[0], bucket.first, at);
  read(json[1], bucket.second, at);
}

void read(const Json& json, TimelinePoint& point, Cursor& at) {
  if (!json.is_array() || json.size() != 5 || !json[4].is_array()) {
    return at.expected("[count, sum, min, max, [buckets]]", json);
  }
  read(json[0], point.count, at);
  read(json[1], point.sum, at);
  read(json[2], point.min, at);
  read(json[3], point.max, at);
  std::vector<PackedBuckets::Bucket> buckets(json[4].size());
  for (std::size_t i = 0; i < buckets.size(); ++i) read_bucket(json[4][i], buckets[i], at);
  point.buckets = PackedBuckets(buckets);
}

/// The buckets from the base64, the exact extremes and the sum from the figures beside it.
void read_histogram(const Json& json, SeriesSnapshot& series, double tick, Cursor& at) {
  std::string text;
  double min = 0, max = 0, sum = 0;
  Reader reader(json, at);
  reader("hdr", text);
  reader("count", series.count);
  reader("min", min);
  reader("max", max);
  reader("sum", sum);
  if (at.failed()) return;
  auto histogram = Histogram::decode_base64(text);
  if (!histogram) return at.fail(histogram.error().message);
  histogram->restore_exact(std::llround(min / tick), std::llround(max / tick), std::round(sum / tick));
  series.histogram = std::move(histogram).value();
}

void read_series(const Json& json, const MetricSnapshot& metric, SeriesSnapshot& series, Cursor& at) {
  Reader reader(json, at);
  reader("labels", series.labels);
  if (metric.spec.type == MetricType::histogram) {
    read_histogram(json, series, metric.tick(), at);
  } else {
    number_fields(reader, series, metric.spec.type);
  }
}

void read_metric(const Json& json, MetricSnapshot& metric, Cursor& at) {
  Reader reader(json, at);
  fields(reader, metric.spec);
  if (at.failed()) return;
  const Step step(at, "series");
  const auto found = json.find("series");
  if (found == json.end()) return at.fail("missing");
  if (!found->is_array()) return at.expected("an array", *found);
  for (std::size_t i = 0; i < found->size() && !at.failed(); ++i) {
    const Step index(at, i);
    read_series((*found)[i], metric, metric.series.emplace_back(), at);
  }
}

void read(const Json& json, Snapshot& snapshot, Cursor& at) {
  if (!json.is_object()) return at.expected("an object", json);
  for (auto member = json.begin(); member != json.end() && !at.failed(); ++member) {
    const Step step(at, member.key());
    MetricSnapshot& metric = snapshot.metrics.emplace_back();
    metric.spec.name = member.key();
    read_metric(*member, metric, at);
  }
}

/// A table's rows and cells must fit each other before anybody walks them.
std::string check_tables(const Summary& summary) {
  for (const DistributionResult& result : summary.distributions) {
    const DistributionTable& table = result.table;
    bool fits = table.counts.size() == table.row_names.size();
    for (const auto& row : table.counts) fits = fits && row.size() == table.col_names.size();
    if (!fits) return fmt::format("distributions: the counts of '{}' do not fit its names", table.name);
  }
  return "";
}

Error bad_summary(std::string_view what) {
  return make_error(ErrorCode::protocol, fmt::format("not a summary of lgen: {}", what));
}

}  // namespace

Result<Summary> parse_json_summary(std::string_view text) {
  Json document;
  try {
    document = Json::parse(text);
  } catch (const Json::exception&) {
    const JsonProblem problem = json_problem(text).value_or(JsonProblem{});
    return bad_summary(fmt::format("line {}, column {}: {}", problem.line, problem.column, problem.words));
  }
  Summary summary;
  std::string schema;
  Cursor at;
  Reader reader(document, at);
  reader("schema", schema);
  if (!at.failed() && schema != kSummarySchema) {
    return bad_summary(fmt::format("schema: expected '{}', found '{}'", kSummarySchema, schema));
  }
  fields(reader, summary);
  if (at.failed()) return bad_summary(at.problem);
  if (const std::string problem = check_tables(summary); !problem.empty()) return bad_summary(problem);
  return summary;
}

}  // namespace lgen
