#include "lgen/time.h"

#include <ctime>

namespace lgen {

Monotonic::time_point Monotonic::now() noexcept {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
}

Duration from_seconds(double seconds) {
  constexpr double kLimit = 9.2e9;  // seconds that fit 63 bits of nanoseconds
  if (seconds != seconds) return Duration{0};
  if (seconds >= kLimit) return Duration::max();
  if (seconds <= -kLimit) return Duration::min();
  return Duration(static_cast<std::int64_t>(seconds * 1e9 + (seconds < 0 ? -0.5 : 0.5)));
}

}  // namespace lgen
