// Time lines brought to one axis of at most 600 intervals: neighbours are merged, series added up.
// Thread: pure functions.
// Units: what the metric counts; seconds for the axis.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/timeline.h"

namespace lgen::html {

/// What a page can draw without noise, and what keeps it small.
inline constexpr std::size_t kMaxIntervals = 600;

/// The axis all charts share.
struct TimeAxis {
  std::size_t merged = 1;  // intervals of the time lines in one of ours
  std::size_t length = 0;  // intervals
  double step = 1;         // seconds of one
  double last = 1;         // seconds of the last one: what of it had passed at the end; a short rest belongs to it, too

  /// Seconds that interval `i` covers.
  double seconds(std::size_t i) const { return i + 1 == length ? last : step; }
  std::size_t of_point(std::size_t i) const { return std::min(i / merged, length - 1); }
};
TimeAxis time_axis(const TimelineData& data, std::size_t most = kMaxIntervals);

using Points = std::vector<TimelinePoint>;
using Chosen = std::function<bool(const TimelineSeries&)>;

/// All series of `metric` that `chosen` takes, added up, on the axis; empty when there are none. Of gauges only min and
/// max mean something then.
Points add_up(const TimelineData& data, const TimeAxis& axis, std::string_view metric, const Chosen& chosen = {});
/// One series on the axis.
Points points_of(const TimelineSeries& series, const TimeAxis& axis);

/// The largest value of each interval: what a gauge like `vus` reached. Before the first sample 0.
std::vector<double> highest(const Points& points);

/// Per second.
std::vector<double> rates(const Points& points, const TimeAxis& axis);

/// Nearest rank, in ticks; `point` must have buckets.
std::int64_t percentile_of(const TimelinePoint& point, double p);

/// Value of a label, "" when the series does not carry it.
std::string_view label_of(const TimelineSeries& series, std::string_view name);

}  // namespace lgen::html
