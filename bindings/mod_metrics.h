// What a plan measures and judges itself: its own metrics, checks, thresholds, distributions, events.
// Thread: the loop's.
// Lifetime: owned by the Host.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lgen/distribution.h"
#include "lgen/error.h"
#include "lgen/metrics.h"
#include "lgen/summary.h"
#include "lgen/threshold.h"
#include "lgen/threshold_watch.h"
#include "tags.h"
#include "threshold_load.h"

namespace lgen::lua {

struct Host;

/// A check with the series its last result was counted in: most calls find it again without a look-up.
struct CheckState {
  CheckResult result;
  std::string scenario, phase;
  std::optional<SeriesId> series;
};

struct MetricsState {
  explicit MetricsState(Host& host_in) : host(host_in) {}

  /// Thresholds are resolved when the whole plan has been read: unknown metrics, labels, scenarios and phases are
  /// errors with the threshold's line.
  Outcome check_declarations() const;
  /// The run begins.
  void start_watching();
  /// Judges the thresholds that do not wait for the end; see ThresholdWatch::tick.
  void second_over(Duration elapsed);
  /// Judges thresholds on summary.metrics over summary.run.duration; adds checks, distributions and events.
  void fill(Summary& summary, bool judge_distributions) const;

  Host& host;
  std::vector<Threshold> thresholds;
  std::vector<std::unique_ptr<Distribution>> distributions;
  std::deque<CheckState> checks;
  std::map<std::string, CheckState*, std::less<>> checks_by_name;
  TagLimit tag_limit;
  std::vector<EventRecord> events;
  std::uint64_t events_dropped = 0;

 private:
  Outcome check_threshold_labels(const Threshold& threshold, const MetricSpec& spec) const;
  ThresholdResult judge_threshold(const Threshold& threshold, const Summary& summary) const;

  std::unique_ptr<ThresholdWatch> watch_;
  std::unique_ptr<LoadClock> load_clock_;
  const Threshold* ended_run_ = nullptr;
};

}  // namespace lgen::lua
