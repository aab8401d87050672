// The longest time a run may deal with, so that a TimePoint plus a few of them stays within 64 bits.
// Thread: pure functions.
#pragma once

#include <algorithm>

#include "lgen/schedule.h"
#include "lgen/time.h"

namespace lgen {

inline constexpr Duration kLongest = kNoLimit;

inline Duration bounded(Duration d) { return std::clamp(d, Duration{0}, kLongest); }

}  // namespace lgen
