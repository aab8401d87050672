// The cluster's time: it runs `scale` times as fast as the machine's.
//
// *Thread:* a plain value.
#pragma once

#include <algorithm>
#include <chrono>

#include "lgen/time.h"

namespace lgen::cluster {

class ClusterClock {
 public:
  explicit ClusterClock(double scale) : scale_(scale), origin_(Monotonic::now()) {}

  TimePoint now() const {
    return kOrigin + std::chrono::duration_cast<Duration>((Monotonic::now() - origin_) * scale_);
  }
  Duration since_start() const { return now() - kOrigin; }
  double scale() const { return scale_; }

  // How long it is until `at`, in the machine's time, rounded up: a timer that fires early would fire again and again.
  std::chrono::milliseconds until(TimePoint at) const {
    const auto real = std::chrono::duration_cast<Duration>(std::max(Duration::zero(), at - now()) / scale_);
    return std::chrono::ceil<std::chrono::milliseconds>(real);
  }

 private:
  // Away from the beginning of the line, so that "an hour ago" is on it.
  static constexpr TimePoint kOrigin = TimePoint(std::chrono::hours(24));

  double scale_;
  TimePoint origin_;
};

}  // namespace lgen::cluster
