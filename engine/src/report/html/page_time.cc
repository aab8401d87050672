// The charts over time. Lines come as arrays of one value for each interval; what was not measured is null.
//
// Streams by backend are counted, not sampled: opened (the server's headers say who took it) minus ended, which is
// exact at the end of every interval. Percentiles come from the 2-digit histograms that the time lines keep of up to 50
// series; a chart says how many of the samples they cover when that is not all.

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "figures.h"
#include "lgen/bucket_percentile.h"
#include "lgen/http_recorder.h"
#include "names.h"
#include "page_data.h"
#include "page_number.h"
#include "time_axis.h"

namespace lgen::html {
namespace {

constexpr std::size_t kMaxLines = 8;       // that can be told apart
constexpr std::size_t kHeatColumns = 150;  // cells stay wide enough to point at
constexpr std::size_t kMaxPlanCharts = 6;
constexpr std::size_t kLongName = 16;  // of a backend
constexpr double kBinsPerDecade = 12;
constexpr double kTick = 1e-6;

Json values_of(const std::vector<double>& values) {
  Json array = Json::array();
  for (const double value : values) array.push_back(rounded(value));
  return array;
}

Json line(std::string_view name, std::string_view role, const std::vector<double>& values) {
  return {{"name", name}, {"role", role}, {"values", values_of(values)}};
}

Json chart(std::string_view id, std::string_view title, std::string_view kind, std::string_view unit) {
  return {{"id", id}, {"title", title}, {"kind", kind}, {"unit", unit}, {"lines", Json::array()}};
}

bool any(const Points& points) {
  return std::any_of(points.begin(), points.end(), [](const TimelinePoint& p) { return p.count > 0; });
}

double sum_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

class Charts {
 public:
  explicit Charts(const Summary& summary)
      : summary_(summary),
        data_(summary.timelines),
        axis_(time_axis(data_)),
        heat_axis_(time_axis(data_, kHeatColumns)) {}

  Json all() {
    by_code("calls", "Calls per second", "grpc_calls");
    by_code("requests", "Requests per second", "http_requests");
    counters("messages", "Messages per second",
             {{"sent", "grpc_messages_sent", "a"}, {"received", "grpc_messages_received", "b"}});
    counters("streams_rate", "Streams per second",
             {{"opened", "grpc_streams_opened", "a"},
              {"ended", "grpc_streams_ended", "b"},
              {"failed", "grpc_streams_failed", "bad"}});
    counters("iterations", "Iterations per second",
             {{"ended", "iterations", "a"},
              {"failed", "iterations_failed", "bad"},
              {"dropped", "iterations_dropped", "warn"}});
    users();
    latency("call", "Response time of calls", "grpc_call_duration_seconds");
    latency("request", "Response time of requests", "http_request_duration_seconds");
    latency("rtt", "Round trips of messages", "grpc_message_rtt_seconds");
    latency("open", "Time to open a stream", "grpc_stream_open_seconds");
    streams_by_backend();
    own_metrics();
    generator();
    return {{"step", axis_.step},   {"length", axis_.length}, {"last_step", axis_.last},
            {"warmups", warmups()}, {"warmed", warmed()},     {"charts", std::move(charts_)}};
  }

 private:
  struct Counter {
    std::string_view name, metric, role;
  };

  Points points(std::string_view metric, const Chosen& chosen = {}) const {
    return add_up(data_, axis_, metric, chosen);
  }

  /// When scenarios were in warm-up: from the first interval with samples of it on, for as long as it was. Its samples
  /// may come later than that, of calls that began in it.
  Json warmups() const {
    Json bands = Json::array();
    for (const ScenarioProgress& scenario : summary_.scenarios) {
      if (scenario.warmup <= Duration{0}) continue;
      const auto seen = intervals_of([&](const TimelineSeries& s) {
        return label_of(s, "scenario") == scenario.name && label_of(s, "phase") == "warmup";
      });
      if (!seen) continue;
      const double from = static_cast<double>(seen->first) * axis_.step;
      const double longest = from + to_seconds(scenario.warmup);
      bands.push_back({rounded(from), rounded(std::min(longest, static_cast<double>(seen->second + 1) * axis_.step))});
    }
    return joined(std::move(bands));
  }

  /// Whose they are: others count meanwhile.
  Json warmed() const {
    Json names = Json::array();
    for (const ScenarioProgress& scenario : summary_.scenarios) {
      if (scenario.warmup > Duration{0}) names.push_back(scenario.name);
    }
    return names;
  }

  /// Those that overlap as one.
  static Json joined(Json bands) {
    std::sort(bands.begin(), bands.end());
    Json all = Json::array();
    for (const Json& band : bands) {
      if (!all.empty() && band[0] <= all.back()[1]) {
        all.back()[1] = std::max(all.back()[1], band[1]);
      } else {
        all.push_back(band);
      }
    }
    return all;
  }

  /// The first and the last interval in which any of these series, gauges aside, has a sample.
  std::optional<std::pair<std::size_t, std::size_t>> intervals_of(const Chosen& chosen) const {
    std::optional<std::pair<std::size_t, std::size_t>> seen;
    for (const TimelineSeries& series : data_.series) {
      const MetricSnapshot* metric = summary_.metrics.find(series.metric);
      if (!metric || metric->spec.type == MetricType::gauge || !chosen(series)) continue;
      for (std::size_t i = 0; i < series.points.size(); ++i) {
        if (series.points[i].count == 0) continue;
        const std::size_t at = axis_.of_point(i);
        seen = seen ? std::pair{std::min(seen->first, at), std::max(seen->second, at)} : std::pair{at, at};
      }
    }
    return seen;
  }

  /// A counter's rates by code: what went well on top, the most frequent others.
  void by_code(std::string_view id, std::string_view title, std::string_view metric) {
    std::map<std::string, std::vector<double>> good, bad;
    for (const TimelineSeries& series : data_.series) {
      if (series.metric != metric) continue;
      const std::string code(label_of(series, "code"));
      (ended_well(code) ? good : bad)[code];
    }
    for (auto* part : {&good, &bad}) {
      for (auto& [code, values] : *part) {
        values = rates(points(metric, [&](const auto& s) { return label_of(s, "code") == code; }), axis_);
      }
    }
    if (good.empty() && bad.empty()) return;
    Json made = chart(id, title, "lines", "/s");
    for (auto& one : most(std::move(good), 3, "other good codes"))
      made["lines"].push_back(line(one.first, "a", one.second));
    for (auto& one : most(std::move(bad), 4, "other codes"))
      made["lines"].push_back(line(one.first, "bad", one.second));
    charts_.push_back(std::move(made));
  }

  using Named = std::vector<std::pair<std::string, std::vector<double>>>;

  /// The `keep` largest by their sum, the rest added up under `rest`.
  static Named most(std::map<std::string, std::vector<double>> all, std::size_t keep, std::string_view rest) {
    Named sorted(all.begin(), all.end());
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return sum_of(a.second) > sum_of(b.second); });
    for (std::size_t i = keep + 1; i < sorted.size(); ++i) {
      for (std::size_t t = 0; t < sorted[keep].second.size(); ++t) sorted[keep].second[t] += sorted[i].second[t];
    }
    if (sorted.size() > keep + 1) {
      sorted.resize(keep + 1);
      sorted.back().first = rest;
    }
    return sorted;
  }

  void counters(std::string_view id, std::string_view title, const std::vector<Counter>& counters) {
    Json made = chart(id, title, "lines", "/s");
    for (const Counter& counter : counters) {
      const Points sum = points(counter.metric);
      if (any(sum)) made["lines"].push_back(line(counter.name, counter.role, rates(sum, axis_)));
    }
    if (!made["lines"].empty()) charts_.push_back(std::move(made));
  }

  void users() {
    std::map<std::string, std::vector<double>> by_scenario;
    for (const TimelineSeries& series : data_.series) {
      if (series.metric != "vus") continue;
      const std::string scenario(label_of(series, "scenario"));
      by_scenario[scenario] =
          highest(points("vus", [&](const auto& s) { return label_of(s, "scenario") == scenario; }));
    }
    if (by_scenario.empty()) return;
    Json made = chart("vus", "Virtual users", "lines", "");
    for (const auto& [name, values] : most(std::move(by_scenario), kMaxLines - 1, "other scenarios")) {
      made["lines"].push_back(line(name, "", values));
    }
    charts_.push_back(std::move(made));
  }

  /// Lines of percentiles, and the same samples as a heat map.
  void latency(std::string_view id, std::string_view title, std::string_view metric) {
    const Points sum = points(metric);
    if (!any(sum)) return;
    Json made = chart("latency_" + std::string(id), title, "percentiles", "s");
    const std::pair<std::string_view, double> kLines[] = {{"p50", 50}, {"p95", 95}, {"p99", 99}};
    for (const auto& [name, p] : kLines) made["lines"].push_back(percentile_line(sum, name, p));
    Json max = Json::array();
    for (const TimelinePoint& point : sum) max.push_back(point.count > 0 ? rounded(point.max) : Json());
    made["lines"].push_back({{"name", "max"}, {"role", "max"}, {"values", std::move(max)}});
    made["covered"] = rounded(covered(sum));
    charts_.push_back(std::move(made));
    duration_heat(id, title, metric);
  }

  static Json percentile_line(const Points& sum, std::string_view name, double p) {
    Json values = Json::array();
    for (const TimelinePoint& point : sum) {
      const auto value = static_cast<double>(percentile_of(point, p)) * kTick;
      values.push_back(point.buckets.empty() ? Json() : rounded(std::clamp(value, point.min, point.max)));
    }
    return {{"name", name}, {"role", name}, {"values", std::move(values)}};
  }

  /// Share of the samples that have buckets.
  static double covered(const Points& sum) {
    double with = 0, all = 0;
    for (const TimelinePoint& point : sum) {
      all += static_cast<double>(point.count);
      for (const auto& [value, count] : point.buckets) with += static_cast<double>(count);
    }
    return all > 0 ? with / all : 1;
  }

  void duration_heat(std::string_view id, std::string_view title, std::string_view metric) {
    const Points sum = add_up(data_, heat_axis_, metric);
    std::map<int, bool> bins;
    Json columns = Json::array();
    for (const TimelinePoint& point : sum) {
      std::map<int, std::uint64_t> cells;
      for (const auto& [value, count] : point.buckets) cells[bin_of(value)] += count;
      Json column = Json::array();
      for (const auto& [bin, count] : cells) {
        bins[bin] = true;
        column.push_back({bin, count});
      }
      columns.push_back(std::move(column));
    }
    if (bins.empty()) return;
    Json heat = chart("heat_" + std::string(id), std::string(title) + ": how many took how long", "durations", "s");
    heat["step"] = heat_axis_.step;
    heat["length"] = heat_axis_.length;
    heat["last_step"] = heat_axis_.last;
    heat["first"] = bins.begin()->first;
    heat["last"] = bins.rbegin()->first;
    heat["bins_per_decade"] = kBinsPerDecade;
    heat["columns"] = std::move(columns);
    charts_.push_back(std::move(heat));
  }

  /// Bin b holds the durations from 10^(b / kBinsPerDecade) us on.
  static int bin_of(std::int64_t ticks) {
    return static_cast<int>(
        std::floor(std::log10(static_cast<double>(std::max<std::int64_t>(ticks, 1))) * kBinsPerDecade));
  }

  /// Streams open at the end of each interval.
  std::vector<double> open_streams(std::string_view backend, const TimeAxis& axis) const {
    const auto of_backend = [&](const TimelineSeries& s) { return label_of(s, "backend") == backend; };
    const Points opened = add_up(data_, axis, "grpc_stream_open_seconds", of_backend);
    const Points ended = add_up(data_, axis, "grpc_streams_ended", of_backend);
    std::vector<double> open(axis.length, 0);
    double now = 0;
    for (std::size_t i = 0; i < axis.length; ++i) {
      now += i < opened.size() ? static_cast<double>(opened[i].count) : 0;
      now -= i < ended.size() ? ended[i].sum : 0;
      open[i] = std::max(0.0, now);
    }
    return open;
  }

  void streams_by_backend() {
    std::set<std::string> backends;
    for (const TimelineSeries& series : data_.series) {
      if (series.metric == "grpc_stream_open_seconds") backends.emplace(label_of(series, "backend"));
    }
    backends.erase("");
    if (backends.empty()) return;
    const std::vector<std::string> names = in_natural_order({backends.begin(), backends.end()});
    const bool long_names =
        std::any_of(names.begin(), names.end(), [](const auto& name) { return name.size() > kLongName; });
    const std::vector<std::string> brief = long_names ? shorten_names(names).names : names;
    const bool few = names.size() <= kMaxLines;
    const TimeAxis& axis = few ? axis_ : heat_axis_;
    Json made = chart("streams", "Open streams by backend", few ? "stacked" : "rows", "");
    made["step"] = axis.step;
    made["length"] = axis.length;
    made["last_step"] = axis.last;
    if (brief != names) made["help"] = shorten_names(names).pattern;
    for (std::size_t i = 0; i < names.size(); ++i) {
      Json one = line(brief[i], "", open_streams(names[i], axis));
      if (brief[i] != names[i]) one["title"] = names[i];
      made["lines"].push_back(std::move(one));
    }
    charts_.push_back(std::move(made));
  }

  /// Gauges and counters that the plan has made, or that were scraped for it.
  void own_metrics() {
    std::size_t made = 0;
    for (const MetricSnapshot& metric : summary_.metrics.metrics) {
      const bool drawn = metric.spec.type == MetricType::gauge || metric.spec.type == MetricType::counter;
      const bool is_own = !metric.spec.built_in && !is_bucket_metric(metric.spec);
      if (!is_own || !drawn || metric.series.empty() || made >= kMaxPlanCharts) continue;
      own_metric(metric.spec);
      ++made;
    }
  }

  /// The largest value of each interval; nothing before it is set, and while a pod does not answer.
  static std::vector<double> as_set(const Points& points) {
    std::vector<double> values = highest(points);
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (points[i].count == 0) values[i] = std::numeric_limits<double>::quiet_NaN();
    }
    return values;
  }

  void own_metric(const MetricSpec& spec) {
    const bool gauge = spec.type == MetricType::gauge;
    std::map<std::string, std::vector<double>> lines;
    for (const TimelineSeries& series : data_.series) {
      if (series.metric != spec.name) continue;
      const Points one = points_of(series, axis_);
      lines[labels_words(series.labels, spec.scraped ? spare_ : "")] = gauge ? as_set(one) : rates(one, axis_);
    }
    if (lines.empty()) return;
    Json made =
        chart("own_" + spec.name, spec.name + (gauge ? "" : " per second"), "lines", gauge ? unit_of(spec) : "/s");
    made["own"] = true;
    made["scraped"] = spec.scraped;
    made["help"] = spec.help;
    Named kept(lines.begin(), lines.end());
    if (gauge && kept.size() > kMaxLines) kept.resize(kMaxLines);  // gauges do not add up
    if (!gauge) kept = most(std::move(lines), kMaxLines - 1, "other series");
    for (const auto& [name, values] : kept) made["lines"].push_back(line(name.empty() ? spec.name : name, "", values));
    charts_.push_back(std::move(made));
  }

  void generator() {
    Json made = chart("generator", "Generator: the worst of each interval", "lines", "s");
    const std::pair<std::string_view, std::string_view> kLines[] = {
        {"start lag", "start_lag_seconds"}, {"loop lag", "loop_lag_seconds"}, {"plan code", "slice_seconds"}};
    for (const auto& [name, metric] : kLines) {
      const Points sum = points(metric);
      if (any(sum)) made["lines"].push_back(line(name, "", highest(sum)));
    }
    if (!made["lines"].empty()) charts_.push_back(std::move(made));
  }

  const Summary& summary_;
  const TimelineData& data_;
  const std::string_view spare_ = label_to_spare(summary_.metrics);
  TimeAxis axis_, heat_axis_;
  Json charts_ = Json::array();
};

}  // namespace

Json time_part(const Summary& summary) { return Charts(summary).all(); }

}  // namespace lgen::html
