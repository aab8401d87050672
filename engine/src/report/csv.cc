// CSV for spreadsheets and data frames (RFC 4180, CRLF): a row for each series of each metric, and before them a row
// with the metric's total, warm-up left out. The columns of labels stand at the end, one for each label that occurs.
//
// Names of backends, channels and tags come from outside, and a spreadsheet runs a cell that begins with = + - @ or a
// tab as a formula. Such texts get an apostrophe in front, as OWASP advises; figures are written as they are.
#include <fmt/format.h>

#include <cmath>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "figures.h"
#include "lgen/report.h"

namespace lgen {
namespace {

using Cells = std::vector<std::string>;

constexpr std::string_view kFormulaStarts = "=+-@\t\r";

std::string quoted(std::string_view cell) {
  if (cell.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(cell);
  std::string out = "\"";
  for (const char c : cell) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

std::string text_cell(std::string_view text) {
  const bool formula = !text.empty() && kFormulaStarts.find(text.front()) != std::string_view::npos;
  return quoted(formula ? fmt::format("'{}", text) : std::string(text));
}

/// Shortest text that reads back the same; what is no number is an empty cell.
std::string number_cell(double value) { return std::isfinite(value) ? fmt::format("{}", value) : ""; }

void add_row(std::string& out, const Cells& cells) { out += fmt::format("{}\r\n", fmt::join(cells, ",")); }

/// Without labels.
const Cells kColumns = {"metric", "type", "unit", "scope", "value", "rate", "count", "min",
                        "avg",    "med",  "p90",  "p95",   "p99",   "p999", "max",   "sum"};

/// Value, rate, count; then the figures of a histogram.
Cells figures_of(const MetricSnapshot& metric, const SeriesSnapshot& series, double seconds) {
  const MetricType type = metric.spec.type;
  const double samples = type == MetricType::counter ? series.value : static_cast<double>(series.count);
  Cells cells(12);
  if (type != MetricType::histogram) cells[0] = number_cell(series.value);
  if (type != MetricType::gauge && seconds > 0) cells[1] = number_cell(samples / seconds);
  if (type != MetricType::counter) cells[2] = number_cell(static_cast<double>(series.count));
  if (type == MetricType::gauge) {
    cells[3] = number_cell(series.min);
    cells[10] = number_cell(series.max);
  }
  if (!series.histogram || series.histogram->count() == 0) return cells;
  const Histogram& histogram = *series.histogram;
  const auto in_unit = [&](double ticks) { return number_cell(metric.in_unit(ticks)); };
  const auto at = [&](double p) { return in_unit(static_cast<double>(histogram.percentile(p))); };
  const Cells spectrum = {in_unit(static_cast<double>(histogram.min())),
                          in_unit(histogram.mean()),
                          at(50),
                          at(90),
                          at(95),
                          at(99),
                          at(99.9),
                          in_unit(static_cast<double>(histogram.max())),
                          in_unit(histogram.sum())};
  std::copy(spectrum.begin(), spectrum.end(), cells.begin() + 3);
  return cells;
}

void add_series(std::string& out, const MetricSnapshot& metric, std::string_view scope, const SeriesSnapshot& series,
                double seconds, const std::set<std::string>& labels) {
  Cells cells = {text_cell(metric.spec.name), std::string(to_string(metric.spec.type)), text_cell(metric.spec.unit),
                 std::string(scope)};
  for (std::string& figure : figures_of(metric, series, seconds)) cells.push_back(std::move(figure));
  for (const std::string& label : labels) cells.push_back(text_cell(label_of(series, label)));
  add_row(out, cells);
}

std::set<std::string> labels_of(const Snapshot& metrics) {
  std::set<std::string> labels;
  for (const MetricSnapshot& metric : metrics.metrics) {
    for (const SeriesSnapshot& series : metric.series) {
      for (const auto& [name, value] : series.labels) labels.insert(name);
    }
  }
  return labels;
}

}  // namespace

std::string render_csv(const Summary& summary) {
  const std::set<std::string> labels = labels_of(summary.metrics);
  Cells header = kColumns;
  for (const std::string& label : labels) header.push_back(text_cell("label_" + label));
  std::string out;
  add_row(out, header);
  for (const MetricSnapshot& metric : summary.metrics.metrics) {
    if (metric.series.empty()) continue;
    // The last values of several gauges, added up, are nobody's.
    const bool has_total = metric.spec.type != MetricType::gauge || metric.series.size() == 1;
    if (has_total) add_series(out, metric, "total", aggregate(metric, {}), measured_seconds(summary, metric), labels);
    for (const SeriesSnapshot& series : metric.series) {
      const double seconds = is_warmup(series) ? 0 : measured_seconds(summary, label_of(series, "scenario"));
      add_series(out, metric, "series", series, seconds, labels);
    }
  }
  return out;
}

}  // namespace lgen
