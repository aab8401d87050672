// Judges thresholds while a run goes on: those over sliding windows, those that leave out the beginning, those that end
// the run. All others are judged at its end, on the whole (threshold.h).
//
// Every second's samples lie in a slot of their own, sparse and at the full 3 digits; a window is the sum of the last
// ones. So the recording of samples costs nothing more, and merged time lines change no verdict.
// Thread: the loop's. Pure of clocks: the owner calls tick().
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "lgen/metrics.h"
#include "lgen/threshold.h"
#include "lgen/time.h"

namespace lgen {

/// How the load that a threshold is about (its scenario, its phase, the warm-up left out) has gone so far.
struct LoadTime {
  Duration elapsed{0};  // since its first scenario has started
  Duration on{0};       // of that, without warm-up and what comes after the end of the schedule
  Duration judged{0};   // of that, what counts: there was something to see
};

class ThresholdWatch {
 public:
  using LoadOf = std::function<LoadTime(const Threshold&)>;

  /// Watches those of `thresholds` that need it; they must outlive it.
  ThresholdWatch(Metrics& metrics, std::span<const Threshold> thresholds);
  ~ThresholdWatch();

  /// Closes the seconds up to `elapsed` since the start of the run: about once a second, before Timeline::tick(), and
  /// once more at the end. Returns the threshold that has just failed and shall end the run, at most once.
  const Threshold* tick(Duration elapsed, const LoadOf& load_of);

  /// None of them needs it.
  bool idle() const;

  /// Of one that is watched.
  std::optional<ThresholdResult> result(const Threshold& threshold) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lgen
