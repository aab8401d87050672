#include "time_axis.h"

#include <algorithm>
#include <cmath>

namespace lgen::html {
namespace {

void add_point(TimelinePoint& into, const TimelinePoint& from) {
  if (from.count == 0) return;
  into.min = into.count == 0 ? from.min : std::min(into.min, from.min);
  into.max = into.count == 0 ? from.max : std::max(into.max, from.max);
  into.count += from.count;
  into.sum += from.sum;
  into.buckets = merge(into.buckets, from.buckets);
}

void add_series(Points& points, const TimelineSeries& series, const TimeAxis& axis) {
  points.resize(axis.length);
  for (std::size_t i = 0; i < series.points.size(); ++i) add_point(points[axis.of_point(i)], series.points[i]);
}

}  // namespace

TimeAxis time_axis(const TimelineData& data, std::size_t most) {
  std::size_t longest = 0;
  for (const TimelineSeries& series : data.series) longest = std::max(longest, series.points.size());
  TimeAxis axis;
  axis.merged = std::max<std::size_t>(1, (longest + most - 1) / most);
  axis.length = (longest + axis.merged - 1) / axis.merged;
  axis.step = to_seconds(data.interval) * static_cast<double>(axis.merged);
  axis.last = axis.step;
  if (axis.length == 0 || data.length == Duration{0}) return axis;
  // A rate over a few milliseconds is noise: less than half an interval is told with the one before it.
  const double rest = to_seconds(data.length) - axis.step * static_cast<double>(axis.length - 1);
  const bool merges = rest < axis.step / 2 && axis.length > 1;
  if (merges) --axis.length;
  axis.last = std::clamp(rest + (merges ? axis.step : 0), axis.step / 1000, 2 * axis.step);
  return axis;
}

Points add_up(const TimelineData& data, const TimeAxis& axis, std::string_view metric, const Chosen& chosen) {
  Points points;
  for (const TimelineSeries& series : data.series) {
    if (series.metric == metric && (!chosen || chosen(series))) add_series(points, series, axis);
  }
  return points;
}

Points points_of(const TimelineSeries& series, const TimeAxis& axis) {
  Points points;
  add_series(points, series, axis);
  return points;
}

std::vector<double> highest(const Points& points) {
  std::vector<double> values;
  values.reserve(points.size());
  for (const TimelinePoint& point : points) values.push_back(point.count > 0 ? point.max : 0);
  return values;
}

std::vector<double> rates(const Points& points, const TimeAxis& axis) {
  std::vector<double> values;
  values.reserve(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) values.push_back(points[i].sum / axis.seconds(i));
  return values;
}

std::int64_t percentile_of(const TimelinePoint& point, double p) {
  std::uint64_t all = 0;
  for (const auto& [value, count] : point.buckets) all += count;
  const auto rank =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(p / 100 * static_cast<double>(all))));
  std::uint64_t seen = 0;
  for (const auto& [value, count] : point.buckets) {
    seen += count;
    if (seen >= rank) return value;
  }
  return 0;
}

std::string_view label_of(const TimelineSeries& series, std::string_view name) {
  const auto found =
      std::find_if(series.labels.begin(), series.labels.end(), [&](const auto& label) { return label.first == name; });
  return found == series.labels.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace lgen::html
