// Thresholds, in k6's notation:
//
//   threshold = stat operator number
//   stat      = "count" | "rate" | "avg" | "min" | "med" | "max" | "p" "(" number ")"
//   operator  = "<" | "<=" | ">" | ">=" | "==" | "===" | "!="
//   number    = [ "-" ] digits [ "." digits ] [ ( "e" | "E" ) [ "+" | "-" ] digits ]
//
// White space may stand between any two of them. Numbers are in the metric's unit.
#include "lgen/threshold.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "lgen/bucket_percentile.h"
#include "lgen/units.h"
#include "metrics_impl.h"
#include "threshold_judge.h"

namespace lgen {

namespace {

using Stat = ThresholdExpression::Stat;
using Compare = ThresholdExpression::Compare;

constexpr std::pair<std::string_view, Stat> kStats[] = {
    {"count", Stat::count}, {"rate", Stat::rate}, {"avg", Stat::avg},     {"min", Stat::min},
    {"med", Stat::med},     {"max", Stat::max},   {"p", Stat::percentile}};

constexpr std::string_view kStatList = "count, rate, avg, min, med, max or p(N)";

// Longest first, so that "<=" is not read as "<".
constexpr std::pair<std::string_view, Compare> kOperators[] = {
    {"===", Compare::equal},        {"==", Compare::equal}, {"!=", Compare::not_equal}, {"<=", Compare::less_equal},
    {">=", Compare::greater_equal}, {"<", Compare::less},   {">", Compare::greater}};

/// Reads a threshold from left to right.
class Parser {
 public:
  explicit Parser(std::string_view text) : size_(text.size()), rest_(text) {}

  Result<ThresholdExpression> parse() {
    ThresholdExpression out;
    for (const auto step : {&Parser::stat, &Parser::compare, &Parser::bound, &Parser::end}) {
      if (auto ok = (this->*step)(out); !ok) return ok.error();
    }
    return out;
  }

 private:
  Outcome stat(ThresholdExpression& out) {
    const std::size_t at = column();
    const std::string_view word = take_word();
    if (word.empty()) return fail(fmt::format("expected {} at {}", kStatList, here()));
    std::array<std::string_view, std::size(kStats)> names;
    for (std::size_t i = 0; i < std::size(kStats); ++i) names[i] = kStats[i].first;
    for (const auto& [name, value] : kStats) {
      if (name != word) continue;
      out.stat = value;
      stat_ = std::string(word);
      return value == Stat::percentile ? percentile(out) : Outcome(Done{});
    }
    column_ = at;
    const std::string_view close = did_you_mean(word, names);
    return fail(close.empty() ? fmt::format("no statistic '{}'; there is {}", word, kStatList)
                              : fmt::format("no statistic '{}' (did you mean '{}'?)", word, close));
  }

  Outcome percentile(ThresholdExpression& out) {
    if (!take("(")) return fail(fmt::format("expected '(' after p, as in p(99), got {}", here()));
    const std::size_t at = column();
    const auto number = take_number();
    if (!number) return fail(fmt::format("expected a number inside p( ), got {}", here()));
    if (!take(")")) return fail(fmt::format("expected ')' after p({}, got {}", *number, here()));
    if (*number < 0 || *number > 100) column_ = at;
    if (column_ > 0) return fail(fmt::format("p({}): a percentile is 0 to 100", *number));
    out.percentile = *number;
    stat_ = fmt::format("p({})", *number);
    return Done{};
  }

  Outcome compare(ThresholdExpression& out) {
    for (const auto& [sign, value] : kOperators) {
      if (!take(sign)) continue;
      out.compare = value;
      sign_ = sign;
      return Done{};
    }
    return fail(fmt::format("expected one of < <= > >= == != after {}, got {}", stat_, here()));
  }

  Outcome bound(ThresholdExpression& out) {
    const auto number = take_number();
    if (!number) return fail(fmt::format("expected a number after '{}', got {}", sign_, here()));
    out.bound = *number;
    return Done{};
  }

  Outcome end(ThresholdExpression& out) {
    skip_space();
    if (rest_.empty()) return Done{};
    const bool joins = rest_.starts_with('&') || rest_.starts_with('|') || rest_.starts_with("and ") ||
                       rest_.starts_with("or ") || rest_.starts_with(',');
    return fail(fmt::format("unexpected {} after {}; {}", here(), out.bound,
                            joins ? "a threshold is one comparison, so declare one for each"
                                  : "a number is plain, in the metric's unit (seconds: 0.25)"));
  }

  Error fail(std::string what) {
    const std::size_t column = column_ > 0 ? column_ : this->column();
    return make_error(ErrorCode::invalid_argument, fmt::format("column {}: {}", column, what));
  }
  /// Of what comes next, 1-based.
  std::size_t column() {
    skip_space();
    return size_ - rest_.size() + 1;
  }

  std::string here() {
    skip_space();
    return rest_.empty() ? "the end of the text" : fmt::format("'{}'", rest_);
  }

  void skip_space() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t')) rest_.remove_prefix(1);
  }

  bool take(std::string_view token) {
    skip_space();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  std::string_view take_word() {
    skip_space();
    std::size_t size = 0;
    while (size < rest_.size() && ((rest_[size] >= 'a' && rest_[size] <= 'z') || rest_[size] == '_' ||
                                   (rest_[size] >= 'A' && rest_[size] <= 'Z'))) {
      ++size;
    }
    const std::string_view word = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return word;
  }

  std::optional<double> take_number() {
    skip_space();
    double value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  std::size_t size_;
  std::string_view rest_;
  std::size_t column_ = 0;  // of what is wrong, where that has been read already
  std::string stat_, sign_;
};

std::string name_of(const ThresholdExpression& expression) {
  if (expression.stat == Stat::percentile) return fmt::format("p({})", expression.percentile);
  for (const auto& [name, value] : kStats) {
    if (value == expression.stat) return std::string(name);
  }
  return "count";
}

std::string_view stats_of(MetricType type) {
  switch (type) {
    case MetricType::counter:
      return "count and rate";
    case MetricType::gauge:
      return "min and max";
    case MetricType::rate:
      return "count and rate";
    case MetricType::histogram:
      return kStatList;
  }
  return kStatList;
}

bool has_stat(MetricType type, Stat stat) {
  if (type == MetricType::histogram) return true;
  if (type == MetricType::gauge) return stat == Stat::min || stat == Stat::max;
  return stat == Stat::count || stat == Stat::rate;
}

bool is_percentile(Stat stat) { return stat == Stat::percentile || stat == Stat::med; }

/// Scraped buckets are one histogram, though each is a counter.
bool is_of_buckets(const ThresholdExpression& e, const MetricSpec& spec) {
  return is_percentile(e.stat) && is_bucket_metric(spec);
}

/// In ticks.
std::optional<double> observe_histogram(const ThresholdExpression& e, const Histogram& h) {
  switch (e.stat) {
    case Stat::avg:
      return h.mean();
    case Stat::min:
      return static_cast<double>(h.min());
    case Stat::med:
      return static_cast<double>(h.percentile(50));
    case Stat::max:
      return static_cast<double>(h.max());
    case Stat::percentile:
      return static_cast<double>(h.percentile(e.percentile));
    case Stat::count:
    case Stat::rate:
      break;
  }
  return std::nullopt;
}

std::optional<double> per_second(double count, Duration elapsed) {
  if (elapsed <= Duration::zero()) return std::nullopt;
  return count / to_seconds(elapsed);
}

std::string_view sign_of(Compare compare) {
  for (const auto& [sign, value] : kOperators) {
    if (value == compare && sign != "===") return sign;
  }
  return "==";
}

/// A counter that no page has shown is no counter of 0.
bool is_known(const MetricSpec& spec) { return !spec.scraped || spec.type_told; }

std::string no_such_stat(const ThresholdExpression& e, const MetricSpec& metric) {
  return fmt::format("{} is a {}, which has no {}; it has {}", metric.name, to_string(metric.type), name_of(e),
                     stats_of(metric.type));
}

std::string why_nothing(const ThresholdExpression& e, const MetricSpec* metric) {
  if (metric && !is_known(*metric)) return "no page of its scrape target had it";
  if (metric && is_of_buckets(e, *metric)) return "no samples";
  return metric && !has_stat(metric->type, e.stat) ? no_such_stat(e, *metric) : "no samples";
}

/// Times have a unit; counts and rates of times are plain.
std::string observed_text(const ThresholdExpression& e, const MetricSpec* metric, double observed) {
  const bool is_time = metric && metric->unit == "s" && e.stat != Stat::count && e.stat != Stat::rate;
  return is_time ? format_duration(from_seconds(observed)) : fmt::format("{:.6g}", observed);
}

/// "< 0.25", as it was written.
std::string demand(const ThresholdResult& result, const ThresholdExpression& e) {
  const std::size_t at = result.text.find_first_of("<>=!");
  return at == std::string::npos ? fmt::format("{} {:.6g}", sign_of(e.compare), e.bound) : result.text.substr(at);
}

}  // namespace

std::optional<double> observe(const ThresholdExpression& e, const MetricSpec& spec, const SeriesSnapshot& s,
                              Duration time) {
  if (!is_known(spec) || !has_stat(spec.type, e.stat)) return std::nullopt;
  if (spec.type == MetricType::counter) return e.stat == Stat::count ? s.value : per_second(s.value, time);
  if (e.stat == Stat::count) return static_cast<double>(s.count);
  if (s.count == 0) return std::nullopt;
  if (spec.type == MetricType::gauge) return e.stat == Stat::min ? s.min : s.max;
  if (spec.type == MetricType::rate) return s.value;
  if (e.stat == Stat::rate) return per_second(static_cast<double>(s.count), time);
  const auto ticks = observe_histogram(e, *s.histogram);
  return ticks ? std::optional(in_unit(spec, *ticks)) : std::nullopt;
}

bool holds(const ThresholdExpression& e, double observed) {
  switch (e.compare) {
    case Compare::less:
      return observed < e.bound;
    case Compare::less_equal:
      return observed <= e.bound;
    case Compare::greater:
      return observed > e.bound;
    case Compare::greater_equal:
      return observed >= e.bound;
    case Compare::equal:
      return observed == e.bound;
    case Compare::not_equal:
      return observed != e.bound;
  }
  return false;
}

ThresholdResult blank_result(const Threshold& threshold) {
  ThresholdResult out;
  out.metric = threshold.metric;
  out.text = threshold.text;
  out.labels = threshold.labels;
  out.over = to_seconds(threshold.over);
  out.after = to_seconds(threshold.after);
  return out;
}

void explain(ThresholdResult& result, const ThresholdExpression& e, const MetricSpec* metric) {
  if (!result.observed) {
    result.why = why_nothing(e, metric);
  } else if (!result.ok) {
    result.why =
        fmt::format("{} is {}, not {}", name_of(e), observed_text(e, metric, *result.observed), demand(result, e));
  }
}

Result<ThresholdExpression> parse_threshold(std::string_view text) { return Parser(text).parse(); }

Outcome check_threshold(const Threshold& threshold, const MetricSpec& metric) {
  const Stat stat = threshold.expression.stat;
  if (has_stat(metric.type, stat)) return Done{};
  if (is_of_buckets(threshold.expression, metric)) {
    if (threshold.over == Duration{0} && threshold.after == Duration{0} && !threshold.abort) return Done{};
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("threshold \"{}\": percentiles of scraped buckets are those of the whole run; leave "
                                  "over, after and abort out",
                                  threshold.text));
  }
  // The name says one thing, the page may say another.
  if (!is_known(metric) && (has_stat(MetricType::counter, stat) || has_stat(MetricType::gauge, stat))) return Done{};
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("threshold \"{}\": {}", threshold.text, no_such_stat(threshold.expression, metric)));
}

ThresholdResult judge(const Threshold& threshold, const Snapshot& snapshot, Duration elapsed) {
  ThresholdResult out = blank_result(threshold);
  const ThresholdExpression& e = threshold.expression;
  const MetricSnapshot* metric = snapshot.find(threshold.metric);
  if (metric && is_known(metric->spec) && is_of_buckets(e, metric->spec)) {
    out.observed = BucketSums(*metric, threshold.labels).percentile(e.stat == Stat::med ? 50 : e.percentile);
  } else if (metric) {
    out.observed = observe(e, metric->spec, aggregate(*metric, threshold.labels), elapsed);
  }
  out.ok = out.observed && holds(e, *out.observed);
  explain(out, e, metric ? &metric->spec : nullptr);
  return out;
}

bool holds_for_good(const ThresholdResult& result, const ThresholdExpression& expression, MetricType type) {
  const bool rises = type == MetricType::counter || expression.stat == Stat::count;
  return result.ok && rises && (expression.compare == Compare::greater || expression.compare == Compare::greater_equal);
}

}  // namespace lgen
