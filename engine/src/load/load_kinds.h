// What the kinds of load have in common, for those who check, describe and schedule them.
// Thread: pure functions.
#pragma once

#include "lgen/schedule.h"
#include "rate_curve.h"

namespace lgen {

inline constexpr Duration kDefaultMaxDuration = std::chrono::minutes(10);

/// Arrivals come at times of their own (open model).
bool is_rate(Load::Kind kind);
/// The number of VUs goes by stages.
bool is_vu_curve(Load::Kind kind);
/// Where the first stage begins.
double start_of(const Load& load);
/// Arrivals a second, of kinds that are a rate.
RateCurve arrival_curve(const Load& load);

}  // namespace lgen
