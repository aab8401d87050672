// A rate over time, in straight lines from stage to stage, with its integral both ways: how many by a time, and when
// the how-manieth. An arrival schedule is the inverse of the integral: even arrivals at the whole numbers, random ones
// at the points of a Poisson process of rate one.
//   within a stage of d seconds from rate a to b, x arrivals after its begin:  x = a t + (b - a) t^2 / 2d
//   solved for t without cancellation, whatever the sign of b - a:             t = 2x / (a + sqrt(a^2 + 2x(b - a)/d))
// Thread: a value.
// Units: offsets from the start; rates per second.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "lgen/schedule.h"

namespace lgen {

class RateCurve {
 public:
  /// Precondition: durations and rates are not negative.
  RateCurve(double start_rate, std::span<const Stage> stages);

  /// Integral of the rate from 0 to `offset`.
  double count_by(Duration offset) const;
  /// When count_by() goes beyond `count`; nothing: it never does.
  std::optional<Duration> when(double count) const;
  double total() const { return total_; }
  Duration end() const { return end_; }

 private:
  struct Segment {
    Duration begin, length;
    double from, to;  // rates
    double before;    // count_by(begin)
  };
  static double within(const Segment& segment, double seconds);

  std::vector<Segment> segments_;  // none of no length
  double total_ = 0;
  Duration end_{0};
};

}  // namespace lgen
