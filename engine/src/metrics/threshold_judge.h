// How a threshold's statistic is read off samples and held against its bound: for the end of a run and for windows.
// Thread: pure functions.
#pragma once

#include <optional>

#include "lgen/threshold.h"

namespace lgen {

/// Nothing: there is no sample to judge. `time` turns counts into rates.
std::optional<double> observe(const ThresholdExpression& e, const MetricSpec& spec, const SeriesSnapshot& s,
                              Duration time);
bool holds(const ThresholdExpression& e, double observed);

/// What a result says of its threshold itself.
ThresholdResult blank_result(const Threshold& threshold);
/// Fills `why` of one that has failed; `metric`: null where there is none.
void explain(ThresholdResult& result, const ThresholdExpression& e, const MetricSpec* metric);

}  // namespace lgen
