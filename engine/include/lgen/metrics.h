// Counters, gauges, rates and histograms with labels: names are resolved to ids at set-up, samples are recorded by id.
// Thread: the loop's; no atomics, locks or label hashing per sample.
// Units: seconds, bytes, or none; histogram samples are given in the metric's unit and kept in ticks (1 us, 1 B,
// scale).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lgen/error.h"
#include "lgen/histogram.h"
#include "lgen/time.h"

namespace lgen {

enum class MetricType { counter, gauge, rate, histogram };
std::string_view to_string(MetricType type);

/// What a metric is. Names follow Prometheus' rules and end in their unit.
struct MetricSpec {
  std::string name;
  MetricType type = MetricType::counter;
  std::string unit;  // "s", "B" or ""
  std::string help;
  std::vector<std::string> labels;  // names a sample may carry besides tags; unknown ones are refused by the bindings
  double scale = 0;                 // histogram: value of one tick; 0: by unit (s: 1e-6, B: 1, none: 1e-3)
  std::size_t max_series = 1000;    // further label sets share {overflow="true"} by scenario and phase
  bool built_in = false;
  bool scraped = false;    // read from pages of the system under test, which are labels `pod` and `target`
  bool type_told = false;  // scraped: `type` is known and no guess from the name
};

/// Whether samples carry the plan's tags besides the metric's own labels: then any label name may turn up.
bool takes_tags(const MetricSpec& spec);

/// All built-in metrics: the one table (name, type, unit, help, labels).
std::span<const MetricSpec> builtin_metrics();

/// Sorted by name; at most one value a name.
using Labels = std::vector<std::pair<std::string, std::string>>;
/// Sorts; leaves out labels with an empty value, which mean the same as no label.
Labels make_labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs);

using MetricId = std::uint32_t;
/// Index of one series over all metrics.
using SeriesId = std::uint32_t;

/// One series as it stands.
struct SeriesSnapshot {
  Labels labels;
  double value = 0;         // counter: total; gauge: last; rate: share of true, 0..1
  double min = 0, max = 0;  // gauge: extremes seen
  std::uint64_t count = 0;  // rate: samples; counter: additions; histogram: samples
  std::uint64_t hits = 0;   // rate: true samples
  std::optional<Histogram> histogram;
};

struct MetricSnapshot {
  MetricSpec spec;
  std::vector<SeriesSnapshot> series;
  double tick() const;  // value of one histogram tick in the metric's unit
  /// Ticks in the metric's unit, correctly rounded: 100,000 us are 0.1 s, which 100,000 * 1e-6 is not.
  double in_unit(double ticks) const;
};

/// Everything measured, as values; merging is addition (gauges: sum of last values, extremes of extremes). Series of
/// one metric never overlap: adding them up counts every sample once.
struct Snapshot {
  std::vector<MetricSnapshot> metrics;
  const MetricSnapshot* find(std::string_view name) const;
  void merge(const Snapshot& other);
  /// What was recorded after `earlier`, a former snapshot of the same Metrics: series that have changed, counters,
  /// rates and histograms by what was added, gauges as they stand.
  Snapshot since(const Snapshot& earlier) const;
};

/// "more than 1000 label sets; ...": what a reader of an overflowed metric has to know.
std::string overflow_words(const MetricSpec& spec);

/// True when every pair of `wanted` is in `labels`.
bool labels_match(const Labels& labels, const Labels& wanted);

/// The series of `metric` that match, added up into one. Series of phase "warmup" are left out unless `wanted` names
/// it.
SeriesSnapshot aggregate(const MetricSnapshot& metric, const Labels& wanted);

class Metrics {
 public:
  /// Starts with the built-in metrics defined.
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// Fails on a bad name, a name in use with another spec, a label that the engine sets itself (scenario, phase,
  /// overflow) or that exporters use (le, quantile). Defining the same again gives the same id.
  Result<MetricId> define(MetricSpec spec);
  /// What a page says of a scraped metric; the first one that does counts.
  void tell_type(MetricId scraped, MetricType type, std::string_view help);
  std::optional<MetricId> find(std::string_view name) const;
  const MetricSpec& spec(MetricId metric) const;
  std::vector<std::string_view> names() const;

  /// Finds or makes the series with these labels (sorted). Beyond max_series: the overflow series of their scenario and
  /// phase, with one warning in the log.
  SeriesId series(MetricId metric, const Labels& labels);
  SeriesId series(std::string_view builtin_name, const Labels& labels);

  /// Metrics that have an overflow series, in the order in which it happened.
  const std::vector<std::string>& overflowed() const;

  // The hot path: a few nanoseconds each.
  void add(SeriesId counter, double n = 1);
  void set(SeriesId gauge, double value);
  void shift(SeriesId gauge, double by);  // gauge += by
  void clear(SeriesId gauge);             // it has no value from now on: a gap in its time line, 0 in sums
  void hit(SeriesId rate, bool yes);
  void record(SeriesId histogram, Duration value);  // for metrics in seconds with 1 us ticks
  void record(SeriesId histogram, double value);    // in the metric's unit

  Snapshot snapshot() const;
  /// Over all series: counters and gauges by value, rates and histograms by samples. 0 for an unknown name.
  double total(std::string_view name) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  friend class Timeline;        // takes what was recorded since its last tick
  friend class ThresholdWatch;  // the same
};

}  // namespace lgen
