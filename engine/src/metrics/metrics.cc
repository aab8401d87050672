#include "lgen/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <stdexcept>

#include "lgen/log.h"
#include "metrics_impl.h"

namespace lgen {

namespace {

// Added to every sample by the engine or by exporters; a plan's metric with one of these would contradict itself.
constexpr std::string_view kReservedLabels[] = {"scenario", "phase", "overflow", "le", "quantile"};

bool is_word(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool same(const MetricSpec& a, const MetricSpec& b) {
  return a.type == b.type && a.unit == b.unit && a.help == b.help && a.labels == b.labels && a.scale == b.scale &&
         a.max_series == b.max_series && a.built_in == b.built_in && a.scraped == b.scraped;
}

Error bad(const MetricSpec& spec, std::string what) {
  return make_error(ErrorCode::invalid_argument, fmt::format("metric '{}': {}", spec.name, what));
}

Outcome check_label(const MetricSpec& spec, std::size_t index) {
  const std::string& label = spec.labels[index];
  if (!is_word(label) || label.starts_with("__")) {
    return bad(spec, fmt::format("label '{}': use letters, digits and _, not starting with a digit or __", label));
  }
  if (std::count(spec.labels.begin(), spec.labels.end(), label) > 1) {
    return bad(spec, fmt::format("label '{}' is given twice", label));
  }
  if (std::find(std::begin(kReservedLabels), std::end(kReservedLabels), label) != std::end(kReservedLabels)) {
    return bad(spec, fmt::format("label '{}' is set by the engine; choose another name", label));
  }
  return Done{};
}

Outcome check_spec(const MetricSpec& spec) {
  if (!is_word(spec.name)) return bad(spec, "a name has letters, digits and _, and does not start with a digit");
  if (!std::isfinite(spec.scale) || spec.scale < 0)
    return bad(spec, fmt::format("scale {} must be above 0", spec.scale));
  if (spec.max_series == 0) return bad(spec, "max_series must be at least 1");
  for (std::size_t i = 0; i < spec.labels.size(); ++i) {
    if (auto ok = check_label(spec, i); !ok) return ok;
  }
  return Done{};
}

/// Labels as one string: '\xff' can stand in neither name nor value, both are UTF-8.
std::string join(const Labels& labels) {
  std::string key;
  for (const auto& [name, value] : labels) key.append(name).append(1, '\xff').append(value).append(1, '\xff');
  return key;
}

/// What becomes of `labels` when their metric is full. The engine's own labels stay: they are few, and without them
/// warm-up would count and a threshold on a scenario or phase would not.
Labels overflow_of(const Labels& labels) {
  Labels kept = {{"overflow", "true"}};
  std::copy_if(labels.begin(), labels.end(), std::back_inserter(kept),
               [](const auto& label) { return label.first == "phase" || label.first == "scenario"; });
  return kept;
}

std::int64_t to_ticks(double ticks) {
  if (!(ticks > -1)) return ticks < 0 ? -1 : 0;  // not a number counts as 0
  return ticks < 9e18 ? std::llround(ticks) : std::numeric_limits<std::int64_t>::max();
}

void record_ticks(MetricCell& cell, std::int64_t ticks) {
  ++cell.count;
  cell.histogram->record(ticks);
  cell.window.add(static_cast<double>(ticks));
  if (cell.detail) cell.detail->record(ticks);
}

}  // namespace

std::string_view to_string(MetricType type) {
  switch (type) {
    case MetricType::counter:
      return "counter";
    case MetricType::gauge:
      return "gauge";
    case MetricType::rate:
      return "rate";
    case MetricType::histogram:
      return "histogram";
  }
  return "counter";
}

Labels make_labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  Labels labels;
  for (const auto& [name, value] : pairs) {
    if (!value.empty()) labels.emplace_back(name, value);
  }
  std::sort(labels.begin(), labels.end());
  return labels;
}

double tick_of(const MetricSpec& spec) {
  if (spec.scale > 0) return spec.scale;
  if (spec.unit == "s") return 1e-6;
  return spec.unit == "B" ? 1 : 1e-3;
}

MetricId Metrics::Impl::insert(MetricSpec spec) {
  const auto id = static_cast<MetricId>(metrics.size());
  by_name.emplace(spec.name, id);
  metrics.push_back(std::make_unique<Metric>(Metric{std::move(spec), {}}));
  return id;
}

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {
  for (const MetricSpec& spec : builtin_metrics()) impl_->insert(spec);
}

Metrics::~Metrics() = default;

Result<MetricId> Metrics::define(MetricSpec spec) {
  if (auto ok = check_spec(spec); !ok) return ok.error();
  if (const auto found = find(spec.name)) {
    const MetricSpec& there = impl_->metrics[*found]->spec;
    if (same(there, spec)) return *found;
    return bad(spec, there.built_in ? "is built in; choose another name"
                                    : "is already defined differently; use one definition, or another name");
  }
  return impl_->insert(std::move(spec));
}

void Metrics::tell_type(MetricId scraped, MetricType type, std::string_view help) {
  MetricSpec& spec = impl_->metrics.at(scraped)->spec;
  if (!spec.scraped || spec.type_told) return;
  spec.type = type;
  spec.help = help;
  spec.type_told = true;
}

std::optional<MetricId> Metrics::find(std::string_view name) const {
  const auto it = impl_->by_name.find(std::string(name));
  if (it == impl_->by_name.end()) return std::nullopt;
  return it->second;
}

const MetricSpec& Metrics::spec(MetricId metric) const { return impl_->metrics.at(metric)->spec; }

std::vector<std::string_view> Metrics::names() const {
  std::vector<std::string_view> names;
  for (const auto& metric : impl_->metrics) names.push_back(metric->spec.name);
  return names;
}

SeriesId Metrics::Impl::make_series(MetricId metric, Labels labels_of_it) {
  const MetricSpec& spec = metrics[metric]->spec;
  const auto id = static_cast<SeriesId>(cells.size());
  MetricCell& cell = cells.emplace_back();
  cell.type = spec.type;
  cell.metric = metric;
  if (spec.type == MetricType::histogram) {
    cell.histogram = std::make_unique<Histogram>();
    cell.ticks_per_unit = 1 / tick_of(spec);
  }
  labels.push_back(std::move(labels_of_it));
  return id;
}

void Metrics::Impl::tell_overflow(const MetricSpec& spec) {
  if (std::find(overflowed.begin(), overflowed.end(), spec.name) != overflowed.end()) return;
  overflowed.push_back(spec.name);
  log(LogLevel::warn, fmt::format("metric {}: {}", spec.name, overflow_words(spec)));
}

SeriesId Metrics::series(MetricId metric, const Labels& labels) {
  Impl::Metric& found = *impl_->metrics.at(metric);
  auto it = found.series.find(join(labels));
  if (it != found.series.end()) return it->second;
  if (found.series.size() >= found.spec.max_series) {
    const Labels overflow = overflow_of(labels);
    if (labels != overflow) return series(metric, overflow);
    impl_->tell_overflow(found.spec);
  }
  const SeriesId id = impl_->make_series(metric, labels);
  found.series.emplace(join(labels), id);
  return id;
}

const std::vector<std::string>& Metrics::overflowed() const { return impl_->overflowed; }

std::string overflow_words(const MetricSpec& spec) {
  std::string_view advice = " (use fewer label values, or raise max_series)";
  if (spec.built_in) advice = "";
  if (spec.scraped) advice = " (name only those you need in metrics = {...} of lgen.prom.target)";
  return fmt::format("more than {} label sets; further ones are counted together with the label overflow=\"true\"{}",
                     spec.max_series, advice);
}

SeriesId Metrics::series(std::string_view builtin_name, const Labels& labels) {
  const auto metric = find(builtin_name);
  if (!metric) throw std::logic_error(fmt::format("no built-in metric '{}'", builtin_name));
  return series(*metric, labels);
}

void Metrics::Impl::open_window(SeriesId id, MetricCell& cell) {
  cell.touched = true;
  touched.push_back(id);
  // A gauge starts the second with the value that it had.
  if (cell.set_before) cell.window.add(cell.value);
  if (cell.type == MetricType::histogram && !cell.detail && details_left > 0) {
    if (!metrics[cell.metric]->spec.built_in) {
      if (own_details_left == 0) return;
      --own_details_left;
    }
    --details_left;
    cell.detail = std::make_unique<Histogram>(2);
  }
}

void Metrics::add(SeriesId counter, double n) {
  MetricCell& cell = impl_->touch(counter);
  cell.value += n;
  ++cell.count;
  cell.window.add(n);
}

void Metrics::set(SeriesId gauge, double value) {
  MetricCell& cell = impl_->touch(gauge);
  cell.min = cell.count > 0 ? std::min(cell.min, value) : value;
  cell.max = cell.count > 0 ? std::max(cell.max, value) : value;
  cell.value = value;
  cell.set_before = true;
  ++cell.count;
  cell.window.add(value);
}

void Metrics::clear(SeriesId gauge) {
  if (!impl_->cells[gauge].set_before) return;
  MetricCell& cell = impl_->touch(gauge);
  cell.value = 0;
  cell.set_before = false;
}

void Metrics::shift(SeriesId gauge, double by) { set(gauge, impl_->cells[gauge].value + by); }

void Metrics::hit(SeriesId rate, bool yes) {
  MetricCell& cell = impl_->touch(rate);
  ++cell.count;
  cell.hits += yes ? 1 : 0;
  cell.window.add(yes ? 1 : 0);
}

void Metrics::record(SeriesId histogram, Duration value) {
  // Half up, so that 1.6 us is 2 ticks and not 1.
  const std::int64_t ns = value.count();
  record_ticks(impl_->touch(histogram), ns < 0 ? -1 : ns / 1000 + (ns % 1000 >= 500 ? 1 : 0));
}

void Metrics::record(SeriesId histogram, double value) {
  MetricCell& cell = impl_->touch(histogram);
  record_ticks(cell, to_ticks(value * cell.ticks_per_unit));
}

double Metrics::total(std::string_view name) const {
  const auto metric = find(name);
  if (!metric) return 0;
  double sum = 0;
  for (const auto& [key, id] : impl_->metrics[*metric]->series) {
    const MetricCell& cell = impl_->cells[id];
    const bool by_value = cell.type == MetricType::counter || cell.type == MetricType::gauge;
    sum += by_value ? cell.value : static_cast<double>(cell.count);
  }
  return sum;
}

}  // namespace lgen
