#include "rate_curve.h"

#include <algorithm>
#include <cmath>

namespace lgen {

RateCurve::RateCurve(double start_rate, std::span<const Stage> stages) {
  double rate = start_rate;
  for (const Stage& stage : stages) {
    if (stage.duration > Duration{0}) {
      segments_.push_back({end_, stage.duration, rate, stage.target, total_});
      total_ += within(segments_.back(), to_seconds(stage.duration));
      end_ += stage.duration;
    }
    rate = stage.target;
  }
}

double RateCurve::within(const Segment& s, double seconds) {
  return seconds * (s.from + (s.to - s.from) * seconds / (2 * to_seconds(s.length)));
}

double RateCurve::count_by(Duration offset) const {
  if (offset <= Duration{0}) return 0;
  if (offset >= end_) return total_;
  const auto after = std::upper_bound(segments_.begin(), segments_.end(), offset,
                                      [](Duration at, const Segment& s) { return at < s.begin; });
  const Segment& segment = *std::prev(after);
  return segment.before + within(segment, to_seconds(offset - segment.begin));
}

/// Of several stages that begin with the same count the last one is meant: those before it have a rate of 0.
std::optional<Duration> RateCurve::when(double count) const {
  if (count >= total_) return std::nullopt;
  const auto after = std::upper_bound(segments_.begin(), segments_.end(), count,
                                      [](double n, const Segment& s) { return n < s.before; });
  const Segment& segment = *std::prev(after);
  const double x = count - segment.before;
  if (x <= 0) return segment.begin;
  const double slope = (segment.to - segment.from) / to_seconds(segment.length);
  const double root = std::sqrt(std::max(0.0, segment.from * segment.from + 2 * x * slope));
  const double nanoseconds = 2e9 * x / (segment.from + root);
  const auto most = static_cast<double>(segment.length.count());
  return segment.begin + Duration(std::llround(std::min(nanoseconds, most)));
}

}  // namespace lgen
