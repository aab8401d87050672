// What Metrics and Timeline share: the cells that samples are recorded into.
// Thread: the loop's.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "lgen/metrics.h"

namespace lgen {

/// Samples since the last tick of the time line; of a histogram in ticks.
struct SampleWindow {
  std::uint64_t count = 0;
  double sum = 0, min = 0, max = 0;

  void add(double value) {
    min = count == 0 ? value : std::min(min, value);
    max = count == 0 ? value : std::max(max, value);
    sum += value;
    ++count;
  }
};

/// One series, hot part first.
struct MetricCell {
  MetricType type = MetricType::counter;
  bool touched = false;       // has samples in `window`, and is in Metrics::Impl::touched
  bool set_before = false;    // gauge: it has a value
  double value = 0;           // counter: total; gauge: last
  std::uint64_t count = 0;    // additions, sets, samples
  std::uint64_t hits = 0;     // rate
  double min = 0, max = 0;    // gauge
  double ticks_per_unit = 1;  // histogram
  SampleWindow window;
  std::unique_ptr<Histogram> histogram;
  std::unique_ptr<Histogram> detail;  // this window at 2 digits; only the first few histograms have one
  MetricId metric = 0;
};

struct Metrics::Impl {
  struct Metric {
    MetricSpec spec;
    std::unordered_map<std::string, SeriesId> series;  // by joined labels
  };

  std::vector<std::unique_ptr<Metric>> metrics;
  std::vector<std::string> overflowed;
  std::unordered_map<std::string, MetricId> by_name;
  std::vector<MetricCell> cells;
  std::vector<Labels> labels;        // of the cell with the same index
  std::vector<SeriesId> touched;     // each at most once, so never longer than `cells`
  std::size_t details_left = 0;      // histograms that may still get a `detail`
  std::size_t own_details_left = 0;  // of these, such as are not built in: however many, they leave room for latencies

  MetricId insert(MetricSpec spec);
  SeriesId make_series(MetricId metric, Labels labels_of_it);
  /// Once for each metric.
  void tell_overflow(const MetricSpec& spec);
  /// First sample of a cell since the last tick.
  void open_window(SeriesId id, MetricCell& cell);
  MetricCell& touch(SeriesId id) {
    MetricCell& cell = cells[id];
    if (!cell.touched) [[unlikely]]
      open_window(id, cell);
    return cell;
  }
};

/// Value of one histogram tick in the metric's unit.
double tick_of(const MetricSpec& spec);
/// As MetricSnapshot::in_unit().
double in_unit(const MetricSpec& spec, double ticks);

}  // namespace lgen
