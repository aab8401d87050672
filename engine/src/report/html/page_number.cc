#include "page_number.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "figures.h"
#include "lgen/distribution.h"
#include "lgen/natural_order.h"

#include <fmt/format.h>

namespace lgen::html {
namespace {

constexpr double kExact = 9007199254740992;  // 2^53

}  // namespace

Json exact(double value) {
  if (!std::isfinite(value)) return {};
  if (value == std::floor(value) && std::fabs(value) < kExact) return static_cast<std::int64_t>(value);
  return value;
}

Json rounded(double value) {
  if (!std::isfinite(value) || value == 0 || value == std::floor(value)) return exact(value);
  const double scale = std::pow(10.0, 3 - std::floor(std::log10(std::fabs(value))));
  // Divided by a power of ten, not multiplied with one below 1: 0.0015 stays 0.0015.
  return exact(scale >= 1 ? std::round(value * scale) / scale : std::round(value));
}

std::string labels_words(const Labels& labels, std::string_view without) {
  std::string text;
  for (const auto& [name, value] : labels) {
    if (name != without) text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, value);
  }
  return text;
}

std::string_view label_to_spare(const Snapshot& metrics) {
  std::set<std::string_view> targets;
  for (const MetricSnapshot& metric : metrics.metrics) {
    for (const SeriesSnapshot& series : metric.series) {
      if (metric.spec.scraped) targets.insert(label_of(series, "target"));
    }
  }
  return targets.size() == 1 ? "target" : "";
}

std::vector<std::string> in_natural_order(std::vector<std::string> names) {
  const auto is_name = [](const std::string& name) { return name != kUnknownBackend && name != "overflow"; };
  const auto rest = std::partition(names.begin(), names.end(), is_name);
  std::sort(names.begin(), rest, natural_less);
  std::sort(rest, names.end());
  return names;
}

std::string cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  return std::string(text.substr(0, most)) + "…";
}

}  // namespace lgen::html
