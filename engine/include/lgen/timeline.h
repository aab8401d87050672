// What happened when: every second the change of each series of the built-in and user metrics becomes one point.
// Memory is bounded: at most 3,600 points a series (and 2 million of all series together), then neighbours merge and
// the interval doubles; at most 50 series keep a sparse 2-digit histogram a point. Thread: the loop's. Pure of clocks:
// the owner calls tick().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lgen/metrics.h"
#include "lgen/packed_buckets.h"

namespace lgen {

/// The samples of one interval, in the metric's unit: additions of a counter, values of a gauge (the one it had at the
/// start included), 0 or 1 of a rate, samples of a histogram. A gauge that rests keeps its value.
struct TimelinePoint {
  std::uint64_t count = 0;
  double sum = 0, min = 0, max = 0;
  PackedBuckets buckets;  // (2-digit value in ticks, count), rising
};

struct TimelineSeries {
  std::string metric;
  Labels labels;
  std::vector<TimelinePoint> points;  // point i covers [i, i+1) * interval
};

struct TimelineData {
  Duration interval = std::chrono::seconds(1);
  Duration length{0};  // to the last tick: how far the last interval is filled; 0: not known (of older files)
  std::vector<TimelineSeries> series;
};

class Timeline {
 public:
  /// One per Metrics.
  explicit Timeline(Metrics& metrics);
  ~Timeline();
  /// Closes the points of all seconds up to `elapsed` since the start of the run. Call it about once a second.
  void tick(Duration elapsed);
  /// The second still open is part of it, so that a line adds up to the metric's total.
  TimelineData data() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lgen
