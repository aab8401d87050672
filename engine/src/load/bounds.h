// The longest time a run may deal with, so that a TimePoint plus a few of them stays within 64 bits.
// Thread: pure functions.
#pragma once

#include <algorithm>

#include "lgen/time.h"

namespace lgen {

inline constexpr Duration kLongest = std::chrono::hours(24 * 3650);

inline Duration bounded(Duration d) { return std::clamp(d, Duration{0}, kLongest); }

}  // namespace lgen
