// Latencies as a table, and as percentile spectra: the latency that all but one of N samples stay below, over N. A
// logarithmic axis gives each further nine of a percentile the same room.

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "figures.h"
#include "page_data.h"
#include "page_number.h"

namespace lgen::html {
namespace {

constexpr std::size_t kMaxGroups = 60;
constexpr std::size_t kMaxSpectra = 8;
constexpr int kStepsPerDecade = 10;

struct Words {
  std::string_view metric, label;
  bool drawn = false;                 // has a spectrum
  std::string_view response_of = "";  // this is the service time of that one, left out where it says no more
};
/// In the order of the table. Others of the engine follow under their own name.
constexpr Words kWords[] = {{"grpc_call_duration_seconds", "response", true},
                            {"grpc_call_service_seconds", "service", true, "grpc_call_duration_seconds"},
                            {"grpc_message_rtt_seconds", "round trip", true},
                            {"grpc_message_service_seconds", "round trip, service", true, "grpc_message_rtt_seconds"},
                            {"grpc_stream_open_seconds", "open", true},
                            {"grpc_stream_open_service_seconds", "open, service", true, "grpc_stream_open_seconds"},
                            {"grpc_stream_first_message_seconds", "first message"},
                            {"grpc_message_gap_seconds", "gap"},
                            {"grpc_message_lag_seconds", "send lag"},
                            {"grpc_stream_duration_seconds", "duration"},
                            {"grpc_first_call_seconds", "cold start"},
                            {"http_request_duration_seconds", "response", true},
                            {"http_request_service_seconds", "service", true, "http_request_duration_seconds"},
                            {"http_first_byte_seconds", "first byte"},
                            {"http_queue_seconds", "queue"},
                            {"http_connect_seconds", "connect"},
                            {"http_tls_seconds", "TLS"},
                            {"http_first_request_seconds", "cold start"}};

bool has_method(const MetricSnapshot& metric) {
  const std::vector<std::string>& labels = metric.spec.labels;
  return std::find(labels.begin(), labels.end(), "method") != labels.end();
}

Words words_of(const MetricSpec& spec) {
  for (const Words& words : kWords) {
    if (words.metric == spec.name) return words;
  }
  return {spec.name, spec.name};
}

std::size_t place_of(const MetricSnapshot& metric) {
  const auto at = std::find_if(std::begin(kWords), std::end(kWords),
                               [&](const Words& words) { return words.metric == metric.spec.name; });
  return static_cast<std::size_t>(at - std::begin(kWords));
}

class Latencies {
 public:
  explicit Latencies(const Summary& summary) : metrics_(summary.metrics) {
    for (const MetricSnapshot& metric : metrics_.metrics) {
      if (metric.spec.type == MetricType::histogram && metric.spec.built_in && has_method(metric)) sort_in(metric);
    }
  }

  Json table() {
    Json groups = Json::array();
    for (const auto& [key, rows] : by_traffic_) {
      if (groups.size() >= kMaxGroups) break;
      Json list = Json::array();
      for (const auto& [place, row] : rows) {
        if (says_no_more(row, rows)) continue;
        list.push_back(figures(words_of(row.metric->spec).label, *row.metric, row.sum));
      }
      groups.push_back({{"title", title(key)}, {"rows", std::move(list)}});
    }
    iterations(groups);
    own(groups);
    return groups;
  }

  /// The most used first, so that what is left out matters least.
  Json spectra() {
    std::vector<std::pair<const Row*, std::string>> drawn;
    for (const auto& [key, rows] : by_traffic_) {
      for (const auto& [place, row] : rows) {
        const Words words = words_of(row.metric->spec);
        if (words.drawn && !says_no_more(row, rows))
          drawn.emplace_back(&row, title(key) + ", " + std::string(words.label));
      }
    }
    std::stable_sort(drawn.begin(), drawn.end(),
                     [](const auto& a, const auto& b) { return a.first->sum.count() > b.first->sum.count(); });
    Json lines = Json::array();
    for (std::size_t i = 0; i < std::min(drawn.size(), kMaxSpectra); ++i) {
      lines.push_back({{"name", drawn[i].second}, {"points", spectrum(*drawn[i].first)}});
    }
    return {{"lines", std::move(lines)}, {"left_out", drawn.size() - std::min(drawn.size(), kMaxSpectra)}};
  }

 private:
  struct Row {
    const MetricSnapshot* metric;
    Histogram sum;
  };
  using Rows = std::map<std::size_t, Row>;  // by place in the table

  void sort_in(const MetricSnapshot& metric) {
    const std::size_t place = std::min(place_of(metric), std::size(kWords)) + (known(metric) ? 0 : unknown_++);
    for (auto& [key, sum] : histograms_by<TrafficKey>(metrics_, metric.spec.name, key_of)) {
      by_traffic_[key].emplace(place, Row{&metric, sum});
      scenarios_.insert(key.scenario);
    }
  }

  static bool known(const MetricSnapshot& metric) { return place_of(metric) < std::size(kWords); }

  std::string title(const TrafficKey& key) const { return title_of(key, scenarios_.size() > 1); }

  /// Of closed loads: nothing waits, so service is response.
  static bool says_no_more(const Row& row, const Rows& rows) {
    const std::string_view response = words_of(row.metric->spec).response_of;
    const auto at = std::find_if(rows.begin(), rows.end(),
                                 [&](const auto& other) { return other.second.metric->spec.name == response; });
    if (response.empty() || at == rows.end()) return false;
    const auto alike = [&](double p) {
      const auto a = static_cast<double>(row.sum.percentile(p)), b = static_cast<double>(at->second.sum.percentile(p));
      return std::fabs(a - b) <= 0.005 * b;
    };
    return alike(50) && alike(90) && alike(99) && alike(100);
  }

  static Json figures(std::string_view label, const MetricSnapshot& metric, const Histogram& sum) {
    const auto value = [&](std::int64_t ticks) { return exact(metric.in_unit(static_cast<double>(ticks))); };
    return {{"label", label},
            {"metric", metric.spec.name},
            {"help", metric.spec.help},
            {"unit", metric.spec.unit},
            {"count", sum.count()},
            {"values",
             {value(sum.min()), exact(metric.in_unit(sum.mean())), value(sum.percentile(50)), value(sum.percentile(90)),
              value(sum.percentile(95)), value(sum.percentile(99)), value(sum.max())}}};
  }

  void iterations(Json& groups) const {
    const auto sums = histograms_by<std::string>(metrics_, "iteration_duration_seconds", [](const SeriesSnapshot& s) {
      return std::string(label_of(s, "scenario"));
    });
    Json rows = Json::array();
    for (const auto& [scenario, sum] : sums) {
      rows.push_back(figures(scenario, *metrics_.find("iteration_duration_seconds"), sum));
    }
    if (!rows.empty()) groups.push_back({{"title", "iterations"}, {"rows", std::move(rows)}});
  }

  void own(Json& groups) const {
    Json rows = Json::array();
    for (const MetricSnapshot& metric : metrics_.metrics) {
      if (metric.spec.built_in || metric.spec.scraped || metric.spec.type != MetricType::histogram) continue;
      if (rows.size() >= kMaxGroups) break;
      const SeriesSnapshot all = aggregate(metric, {});
      if (all.histogram && all.histogram->count() > 0)
        rows.push_back(figures(metric.spec.name, metric, *all.histogram));
    }
    if (!rows.empty()) groups.push_back({{"title", "the plan's own"}, {"rows", std::move(rows)}});
  }

  /// [N, latency]: all but one of N samples took at most that long.
  static Json spectrum(const Row& row) {
    const auto count = static_cast<double>(row.sum.count());
    const auto point = [&](double n, double p) {
      const auto ticks = static_cast<double>(row.sum.percentile(p));
      return Json::array({rounded(n), rounded(row.metric->in_unit(ticks))});
    };
    Json points = Json::array();
    for (int k = 0;; ++k) {
      const double n = std::pow(10.0, static_cast<double>(k) / kStepsPerDecade);
      if (n >= count) break;
      points.push_back(point(n, 100 * (1 - 1 / n)));
    }
    points.push_back(point(count, 100));
    return points;
  }

  const Snapshot& metrics_;
  std::map<TrafficKey, Rows> by_traffic_;
  std::set<std::string> scenarios_;
  std::size_t unknown_ = 0;
};

}  // namespace

Json latency_part(const Summary& summary) {
  Latencies latencies(summary);
  return {{"groups", latencies.table()}, {"spectra", latencies.spectra()}};
}

}  // namespace lgen::html
