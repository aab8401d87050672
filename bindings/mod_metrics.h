// What a plan measures and judges itself: its own metrics, checks, thresholds, distributions, events.
// Thread: the loop's.
// Lifetime: owned by the Host.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lgen/distribution.h"
#include "lgen/error.h"
#include "lgen/metrics.h"
#include "lgen/summary.h"
#include "lgen/threshold.h"

namespace lgen::lua {

struct Host;

struct MetricsState {
  explicit MetricsState(Host& host_in) : host(host_in) {}

  /// Thresholds are resolved when the whole plan has been read: unknown metrics are errors with the threshold's line.
  Outcome check_declarations() const;
  /// Judges thresholds on summary.metrics over summary.run.duration; adds checks, distributions and events.
  void fill(Summary& summary) const;

  Host& host;
  std::vector<Threshold> thresholds;
  std::vector<std::unique_ptr<Distribution>> distributions;
  std::vector<CheckResult> checks;
  std::map<std::string, std::size_t, std::less<>> check_index;  // by name
  std::vector<EventRecord> events;
  std::uint64_t events_dropped = 0;
};

}  // namespace lgen::lua
