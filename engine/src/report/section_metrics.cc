// The counters, gauges and rates a plan has made for itself (its histograms stand among the latencies), and what was
// read from the metrics pages of the system under test.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "figures.h"
#include "lgen/bucket_percentile.h"
#include "names.h"
#include "sections.h"

namespace lgen {
namespace {

constexpr std::size_t kMaxSeries = 8;    // of one metric
constexpr std::size_t kMaxScraped = 24;  // metrics

std::string value_text(const MetricSpec& spec, const SeriesSnapshot& series) {
  if (spec.type == MetricType::rate) return fmt::format("{:.1f}% of {}", 100 * series.value, grouped(series.count));
  if (spec.unit.empty() && series.value >= 0 && series.value == static_cast<double>(std::uint64_t(series.value))) {
    return grouped(static_cast<std::uint64_t>(series.value));
  }
  return brief_value(series.value, spec.unit);
}

std::string labels_text(const SeriesSnapshot& series) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : series.labels) parts.push_back(fmt::format("{}={}", name, value));
  return fmt::format("{}", fmt::join(parts, " "));
}

/// The sum leaves the warm-up out, though its rows are shown.
std::string sum_text(const MetricSnapshot& metric) {
  const bool warmed_up = std::any_of(metric.series.begin(), metric.series.end(), is_warmup);
  return "  " + value_text(metric.spec, aggregate(metric, {})) + (warmed_up ? " (without warm-up)" : "");
}

/// The sum, then what it consists of; gauges of different labels have no sum.
void print_metric(Page& page, const MetricSnapshot& metric) {
  const bool one = metric.series.size() == 1;
  const bool has_sum = one || metric.spec.type != MetricType::gauge;
  const std::string value = has_sum ? sum_text(metric) : "";
  const Line name_and_value = {Span("  " + metric.spec.name), Span(value, Tone::bold)};
  metric.spec.help.empty() ? page.line(name_and_value) : page.item(name_and_value, "  " + metric.spec.help, Tone::dim);
  if (one) return;
  for (const SeriesSnapshot* series : largest(metric, kMaxSeries)) {
    page.item({Span("    ")}, labels_text(*series) + "  " + value_text(metric.spec, *series));
  }
  if (metric.series.size() > kMaxSeries) {
    page.line({Span(fmt::format("    … {} more", grouped(metric.series.size() - kMaxSeries)), Tone::dim)});
  }
}

std::string number_text(double value, std::string_view unit = "") {
  if (!unit.empty()) return brief_value(value, unit);
  const bool as_whole = value >= 0 && value < 9e15 && (value == std::floor(value) || value >= 1e6);
  return as_whole ? grouped(static_cast<std::uint64_t>(std::llround(value))) : brief_value(value, "");
}

/// "p50 1.2ms, p90 3.4ms, p99 12ms of 1,204".
std::string buckets_text(const MetricSnapshot& metric) {
  const BucketSums sums(metric, {});
  if (sums.count() <= 0) return "no samples";
  const auto figure = [&](double p) { return brief_value(sums.percentile(p).value_or(0), unit_of(metric.spec)); };
  return fmt::format("p50 {}, p90 {}, p99 {} of {}", figure(50), figure(90), figure(99), number_text(sums.count()));
}

/// How long the pages took.
std::string durations_text(const MetricSnapshot& metric) {
  const SeriesSnapshot all = aggregate(metric, {});
  if (!all.histogram || all.histogram->count() == 0) return "no samples";
  const auto figure = [&](double p) {
    return brief_value(metric.in_unit(static_cast<double>(all.histogram->percentile(p))), metric.spec.unit);
  };
  return fmt::format("p50 {}, p99 {}, max {} of {}", figure(50), figure(99), figure(100),
                     grouped(all.histogram->count()));
}

/// One line: pods and labels are in the time lines.
std::string scraped_text(const MetricSnapshot& metric) {
  if (is_bucket_metric(metric.spec)) return buckets_text(metric);
  if (metric.spec.type == MetricType::histogram) return durations_text(metric);
  const SeriesSnapshot all = aggregate(metric, {});
  const std::string of = metric.series.size() == 1 ? "" : fmt::format("  in {} series", grouped(metric.series.size()));
  const auto text = [&](double value) { return number_text(value, unit_of(metric.spec)); };
  if (metric.spec.type == MetricType::counter) return "+" + text(all.value) + of;
  return fmt::format("{} .. {}{}", text(all.min), text(all.max), of);
}

/// A name that does not fit has a line of its own: whatever were cut off might tell it apart from the others.
void print_names_and_texts(Page& page, const std::vector<const MetricSnapshot*>& metrics) {
  std::size_t widest = 0;
  std::vector<std::string> texts;
  for (const MetricSnapshot* metric : metrics) {
    widest = std::max(widest, display_width(texts.emplace_back(scraped_text(*metric))));
  }
  const std::size_t room = page.width() > widest + 4 ? page.width() - widest - 4 : 0;
  TextTable table({Span("  metric", Tone::dim), Span("")});
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    const std::string& name = metrics[i]->spec.name;
    const bool fits = display_width(name) <= room;
    if (!fits) table.title(Span("  " + elide_middle(name, page.width() - 2)));
    table.row({Span(fits ? "  " + name : ""), Span(texts[i], Tone::bold)});
  }
  table.print(page, 0);
}

void print_scraped_metrics(Page& page, const Snapshot& metrics) {
  std::vector<const MetricSnapshot*> scraped;
  for (const MetricSnapshot& metric : metrics.metrics) {
    if (metric.spec.scraped && !metric.series.empty()) scraped.push_back(&metric);
  }
  if (scraped.empty()) return;
  page.heading("SYSTEM UNDER TEST", {Span(" what its metrics pages say: counters by how much they rose", Tone::dim)});
  print_names_and_texts(page,
                        {scraped.begin(), scraped.begin() + std::ptrdiff_t(std::min(scraped.size(), kMaxScraped))});
  if (scraped.size() > kMaxScraped) {
    page.line({Span(fmt::format("  … {} more in the JSON report", scraped.size() - kMaxScraped), Tone::dim)});
  }
}

}  // namespace

void print_own_metrics(Page& page, const Snapshot& metrics) {
  bool titled = false;
  for (const MetricSnapshot& metric : metrics.metrics) {
    if (metric.spec.built_in || metric.spec.scraped || metric.spec.type == MetricType::histogram ||
        metric.series.empty())
      continue;
    if (!std::exchange(titled, true)) page.heading("METRICS", {Span(" of the plan", Tone::dim)});
    print_metric(page, metric);
  }
  print_scraped_metrics(page, metrics);
}

}  // namespace lgen
