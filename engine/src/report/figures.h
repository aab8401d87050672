// The figures behind the console's sections, taken from a Snapshot: sums by label, groups of latencies, numbers as
// words. Warm-up is left out, as in thresholds. Thread: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/metrics.h"

namespace lgen {

/// Value of a label, "" when the series does not carry it.
std::string_view label_of(const SeriesSnapshot& series, std::string_view name);

bool is_warmup(const SeriesSnapshot& series);

/// At most `most` series: all in their order, or, where there are more, those with the highest values, highest first.
std::vector<const SeriesSnapshot*> largest(const MetricSnapshot& metric, std::size_t most);

/// Total of a counter; 0 when it was never used.
std::uint64_t counter_total(const Snapshot& metrics, std::string_view name);

/// What calls or streams have in common that the report shows together.
struct TrafficKey {
  std::string scenario, name, method;
  auto operator<=>(const TrafficKey&) const = default;
};
TrafficKey key_of(const SeriesSnapshot& series);

/// "pkg.Service/Method", with the name and, among several scenarios, the scenario where they say more.
std::string title_of(const TrafficKey& key, bool with_scenario);

/// A counter's totals by one label, "OK" before the other values.
using Totals = std::vector<std::pair<std::string, std::uint64_t>>;
Totals totals_by(const MetricSnapshot& metric, std::string_view label, const TrafficKey* only = nullptr);

/// Histograms of a metric added up by `key(series)`.
template <class Key, class KeyOf>
std::map<Key, Histogram> histograms_by(const Snapshot& metrics, std::string_view name, KeyOf key) {
  std::map<Key, Histogram> sums;
  const MetricSnapshot* metric = metrics.find(name);
  if (!metric) return sums;
  for (const SeriesSnapshot& series : metric->series) {
    if (is_warmup(series) || !series.histogram || series.histogram->count() == 0) continue;
    const auto [at, fresh] = sums.try_emplace(key(series), *series.histogram);
    if (!fresh) at->second.merge(*series.histogram);
  }
  return sums;
}

/// Three digits: "312us", "1.23ms", "12.3s", "1m30s", "2h05m".
std::string brief_seconds(double seconds);

/// A value in a metric's unit: seconds, bytes ("49.3K"), or a plain number of three digits.
std::string brief_value(double value, std::string_view unit);

/// Of a scraped metric, whose page tells no unit, the one its name ends with: "s", "B" or "".
std::string_view unit_of(const MetricSpec& spec);

/// A moment of the world in UTC, as strftime has it: whole seconds.
std::string utc_text(double unix_seconds, const char* format);

/// "12.3s", "2m05.0s": a moment of the run.
std::string moment(double seconds);

}  // namespace lgen
