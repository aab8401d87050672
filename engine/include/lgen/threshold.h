// Pass/fail expressions over metrics: parsed when declared, judged on a snapshot.
// Grammar (BNF in threshold.cc): stat op number, stat one of count rate avg min med max p(N); op < <= > >= == !=.
// Thread: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"
#include "lgen/metrics.h"

namespace lgen {

struct ThresholdExpression {
  enum class Stat { count, rate, avg, min, med, max, percentile };
  enum class Compare { less, less_equal, greater, greater_equal, equal, not_equal };
  Stat stat = Stat::count;
  double percentile = 0;
  Compare compare = Compare::less;
  double bound = 0;
};

/// Fails with a message that names the part that does not parse and lists what may stand there; the whole text is the
/// caller's to show.
Result<ThresholdExpression> parse_threshold(std::string_view text);

struct Threshold {
  std::string metric;
  std::string text;
  ThresholdExpression expression;
  Labels labels;
  std::string where;  // file:line of the declaration
};

/// Checks that the statistic makes sense for the metric's type (p(N) needs a histogram; a gauge has min and max).
Outcome check_threshold(const Threshold& threshold, const MetricSpec& metric);

struct ThresholdResult {
  std::string metric, text;
  Labels labels;
  std::optional<double> observed;  // nothing: no sample
  bool ok = false;
  std::string why;  // for a failure: observed against bound, or "no samples"
};

/// `elapsed` turns counts into rates. No sample: a counter is judged as 0 (an error counter that was never raised is
/// the best news), so is the count of any metric; everything else fails with "no samples".
ThresholdResult judge(const Threshold& threshold, const Snapshot& snapshot, Duration elapsed);

}  // namespace lgen
