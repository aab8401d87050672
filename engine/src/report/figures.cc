#include "figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <set>

#include "lgen/summary.h"
#include "lgen/units.h"

namespace lgen {
namespace {

/// Below 999.5, three significant digits.
std::string three_digits(double value) {
  return fmt::format("{:.{}f}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

/// Powers of 1024 in five columns: "512B", "49.3K", "1.20M".
std::string brief_bytes(double bytes) {
  constexpr std::string_view kUnits = "BKMGT";
  std::size_t unit = 0;
  for (; bytes >= 999.5 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
  return (unit == 0 ? fmt::format("{:.0f}", bytes) : three_digits(bytes)) + kUnits[unit];
}

bool comes_before(const std::pair<std::string, std::uint64_t>& a, const std::pair<std::string, std::uint64_t>& b) {
  if ((a.first == "OK") != (b.first == "OK")) return a.first == "OK";
  return a.second != b.second ? a.second > b.second : a.first < b.first;
}

const ScenarioProgress* find_scenario(const Summary& summary, std::string_view name) {
  const auto found = std::find_if(summary.scenarios.begin(), summary.scenarios.end(),
                                  [&](const ScenarioProgress& one) { return one.name == name; });
  return found == summary.scenarios.end() ? nullptr : &*found;
}

}  // namespace

double measured_seconds(const Summary& summary, std::string_view scenario) {
  const ScenarioProgress* one = find_scenario(summary, scenario);
  const double measured = one ? to_seconds(one->measured) : summary.run.measured;
  if (measured > 0) return measured;
  // Reports of earlier versions do not tell it: there the whole run counts.
  const double left_out = one ? to_seconds(one->paused_for + one->warmup) : summary.run.paused;
  return std::max(0.0, summary.run.duration - left_out);
}

double measured_seconds(const Summary& summary, const MetricSnapshot& metric, const Labels& wanted) {
  std::set<std::string_view> scenarios;
  for (const SeriesSnapshot& series : metric.series) {
    if (!is_warmup(series) && labels_match(series.labels, wanted)) scenarios.insert(label_of(series, "scenario"));
  }
  return measured_seconds(summary, scenarios.size() == 1 ? *scenarios.begin() : std::string_view());
}

std::string_view label_of(const SeriesSnapshot& series, std::string_view name) {
  const auto found =
      std::find_if(series.labels.begin(), series.labels.end(), [&](const auto& label) { return label.first == name; });
  return found == series.labels.end() ? std::string_view() : std::string_view(found->second);
}

bool is_warmup(const SeriesSnapshot& series) { return label_of(series, "phase") == "warmup"; }

std::vector<const SeriesSnapshot*> largest(const MetricSnapshot& metric, std::size_t most) {
  std::vector<const SeriesSnapshot*> all;
  for (const SeriesSnapshot& series : metric.series) all.push_back(&series);
  if (all.size() <= most) return all;
  std::stable_sort(all.begin(), all.end(), [](const auto* a, const auto* b) { return a->value > b->value; });
  all.resize(most);
  return all;
}

std::uint64_t counter_total(const Snapshot& metrics, std::string_view name) {
  const MetricSnapshot* metric = metrics.find(name);
  return metric ? static_cast<std::uint64_t>(std::llround(aggregate(*metric, {}).value)) : 0;
}

TrafficKey key_of(const SeriesSnapshot& series) {
  const auto text = [&](std::string_view name) { return std::string(label_of(series, name)); };
  return {text("scenario"), text("name"), text("method")};
}

std::string title_of(const TrafficKey& key, bool with_scenario) {
  std::string title = key.method.empty() ? key.name : key.method;
  if (title.starts_with('/')) title.erase(0, 1);
  if (!key.name.empty() && key.name != key.method && !key.method.empty()) title = key.name + ": " + title;
  if (title.empty()) title = "(other)";
  if (with_scenario && !key.scenario.empty()) title += " (" + key.scenario + ")";
  return title;
}

Totals totals_by(const MetricSnapshot& metric, std::string_view label, const TrafficKey* only) {
  std::map<std::string, std::uint64_t> sums;
  for (const SeriesSnapshot& series : metric.series) {
    if (is_warmup(series) || series.value == 0 || (only && key_of(series) != *only)) continue;
    sums[std::string(label_of(series, label))] += static_cast<std::uint64_t>(std::llround(series.value));
  }
  Totals totals(sums.begin(), sums.end());
  std::sort(totals.begin(), totals.end(), comes_before);
  return totals;
}

std::string brief_seconds(double seconds) {
  if (seconds <= 0) return "0s";
  if (seconds < 999.5e-6) return three_digits(seconds * 1e6) + "us";
  if (seconds < 0.9995) return three_digits(seconds * 1e3) + "ms";
  if (seconds < 59.95) return three_digits(seconds) + "s";
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole % 3600 / 60);
}

std::string brief_value(double value, std::string_view unit) {
  if (unit == "s") return brief_seconds(value);
  if (unit == "B") return brief_bytes(value);
  if (value == std::floor(value) && std::fabs(value) < 1e6) return fmt::format("{:.0f}", value);
  const double size = std::fabs(value);
  return size >= 999.5 && size < 1e6 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}

std::string_view unit_of(const MetricSpec& spec) {
  if (!spec.scraped || !spec.unit.empty()) return spec.unit;
  std::string_view name = spec.name;
  for (const std::string_view end : {"_total", "_sum", "_bucket"}) {
    if (name.ends_with(end)) name.remove_suffix(end.size());
  }
  if (name.ends_with("_bytes")) return "B";
  const bool moment = name.ends_with("_time_seconds") || name.ends_with("_timestamp_seconds");  // of the world
  return name.ends_with("_seconds") && !moment ? "s" : "";
}

std::string utc_text(double unix_seconds, const char* format) {
  const auto whole = static_cast<std::time_t>(std::floor(unix_seconds));
  std::tm utc{};
  gmtime_r(&whole, &utc);
  char text[64];
  return std::string(text, std::strftime(text, sizeof text, format, &utc));
}

std::string moment(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f}s", seconds);
  const auto minutes = static_cast<std::int64_t>(seconds / 60);
  return fmt::format("{}m{:04.1f}s", minutes, seconds - 60 * static_cast<double>(minutes));
}

}  // namespace lgen
