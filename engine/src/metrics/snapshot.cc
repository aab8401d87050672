// Snapshots: what was measured, as values that can be selected, added up and sent elsewhere.
#include <algorithm>
#include <cmath>
#include <map>

#include "lgen/metrics.h"
#include "metrics_impl.h"

namespace lgen {

namespace {

SeriesSnapshot copy_cell(const MetricCell& cell, const Labels& labels) {
  SeriesSnapshot out;
  out.labels = labels;
  out.value = cell.value;
  out.min = cell.min;
  out.max = cell.max;
  out.count = cell.count;
  out.hits = cell.hits;
  if (cell.type == MetricType::rate && cell.count > 0) {
    out.value = static_cast<double>(cell.hits) / static_cast<double>(cell.count);
  }
  if (cell.histogram) out.histogram = *cell.histogram;
  return out;
}

/// A counter that was made but never raised is a measured 0; anything else without a sample says nothing.
bool worth_keeping(const MetricCell& cell) { return cell.count > 0 || cell.type == MetricType::counter; }

void merge_values(MetricType type, SeriesSnapshot& into, const SeriesSnapshot& from) {
  if (type == MetricType::gauge && from.count > 0) {
    into.min = into.count == 0 ? from.min : std::min(into.min, from.min);
    into.max = into.count == 0 ? from.max : std::max(into.max, from.max);
  }
  into.value += from.value;
  into.count += from.count;
  into.hits += from.hits;
  if (type == MetricType::rate) {
    into.value = into.count == 0 ? 0 : static_cast<double>(into.hits) / static_cast<double>(into.count);
  }
}

void merge_series(MetricType type, SeriesSnapshot& into, const SeriesSnapshot& from) {
  merge_values(type, into, from);
  if (!from.histogram) return;
  if (into.histogram) {
    into.histogram->merge(*from.histogram);
  } else {
    into.histogram = from.histogram;
  }
}

void merge_metric(MetricSnapshot& into, const MetricSnapshot& from) {
  std::map<Labels, std::size_t> index;
  for (std::size_t i = 0; i < into.series.size(); ++i) index.emplace(into.series[i].labels, i);
  for (const SeriesSnapshot& series : from.series) {
    const auto found = index.find(series.labels);
    if (found == index.end()) {
      into.series.push_back(series);
    } else {
      merge_series(into.spec.type, into.series[found->second], series);
    }
  }
}

bool changed(const SeriesSnapshot& before, const SeriesSnapshot& now) {
  return now.count != before.count || now.value != before.value;
}

SeriesSnapshot minus(MetricType type, const SeriesSnapshot& now, const SeriesSnapshot& before) {
  SeriesSnapshot out;
  out.labels = now.labels;
  out.count = now.count - before.count;
  out.hits = now.hits - before.hits;
  out.value = type == MetricType::gauge || type == MetricType::rate ? now.value : now.value - before.value;
  if (type == MetricType::rate && out.count > 0) {
    out.value = static_cast<double>(out.hits) / static_cast<double>(out.count);
  }
  if (type == MetricType::gauge) {
    out.min = now.min;
    out.max = now.max;
  }
  if (now.histogram) out.histogram = before.histogram ? now.histogram->since(*before.histogram) : *now.histogram;
  return out;
}

/// Both in the same order; the earlier one may lack some.
void add_changes(MetricSnapshot& out, const MetricSnapshot& now, const std::vector<SeriesSnapshot>& before) {
  std::size_t next = 0;
  for (const SeriesSnapshot& series : now.series) {
    const bool known = next < before.size() && before[next].labels == series.labels;
    if (!known) {
      out.series.push_back(series);
    } else if (changed(before[next], series)) {
      out.series.push_back(minus(now.spec.type, series, before[next]));
    }
    next += known ? 1 : 0;
  }
}

}  // namespace

double MetricSnapshot::tick() const { return tick_of(spec); }

double MetricSnapshot::in_unit(double ticks) const { return lgen::in_unit(spec, ticks); }

double in_unit(const MetricSpec& spec, double ticks) {
  const double tick = tick_of(spec), in_one = std::round(1 / tick);
  const bool whole = in_one >= 1 && std::fabs(1 / tick - in_one) < 1e-9 * in_one;  // 1e-6, but not 0.003
  return whole ? ticks / in_one : ticks * tick;
}

const MetricSnapshot* Snapshot::find(std::string_view name) const {
  for (const MetricSnapshot& metric : metrics) {
    if (metric.spec.name == name) return &metric;
  }
  return nullptr;
}

void Snapshot::merge(const Snapshot& other) {
  metrics.reserve(metrics.size() + other.metrics.size());  // before `index` points into the names
  std::map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < metrics.size(); ++i) index.emplace(metrics[i].spec.name, i);
  for (const MetricSnapshot& metric : other.metrics) {
    const auto found = index.find(metric.spec.name);
    if (found == index.end()) {
      metrics.push_back(metric);
    } else {
      merge_metric(metrics[found->second], metric);
    }
  }
}

Snapshot Snapshot::since(const Snapshot& earlier) const {
  static const std::vector<SeriesSnapshot> kNone;
  Snapshot out;
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    MetricSnapshot change{metrics[i].spec, {}};
    add_changes(change, metrics[i], i < earlier.metrics.size() ? earlier.metrics[i].series : kNone);
    if (!change.series.empty()) out.metrics.push_back(std::move(change));
  }
  return out;
}

bool labels_match(const Labels& labels, const Labels& wanted) {
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const auto& pair) { return std::find(labels.begin(), labels.end(), pair) != labels.end(); });
}

SeriesSnapshot aggregate(const MetricSnapshot& metric, const Labels& wanted) {
  static const std::pair<std::string, std::string> kWarmup{"phase", "warmup"};
  const bool any_phase =
      std::any_of(wanted.begin(), wanted.end(), [](const auto& pair) { return pair.first == "phase"; });
  SeriesSnapshot sum;
  sum.labels = wanted;
  for (const SeriesSnapshot& series : metric.series) {
    if (!labels_match(series.labels, wanted)) continue;
    if (!any_phase && labels_match(series.labels, {kWarmup})) continue;
    merge_series(metric.spec.type, sum, series);
  }
  return sum;
}

Snapshot Metrics::snapshot() const {
  Snapshot out;
  for (const auto& metric : impl_->metrics) {
    MetricSnapshot& copy = out.metrics.emplace_back();
    copy.spec = metric->spec;
    for (const auto& [key, id] : std::map(metric->series.begin(), metric->series.end())) {
      if (worth_keeping(impl_->cells[id])) copy.series.push_back(copy_cell(impl_->cells[id], impl_->labels[id]));
    }
  }
  return out;
}

}  // namespace lgen
