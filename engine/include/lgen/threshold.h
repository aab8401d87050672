// Pass/fail expressions over metrics: parsed when declared, judged on a snapshot; those that are judged while the run
// goes on by a ThresholdWatch.
// Grammar (BNF in threshold.cc): stat op number, stat one of count rate avg min med max p(N); op < <= > >= == !=.
// Thread: pure functions.
#pragma once

#include <cstdint>
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

/// Fails with a message that tells the column, names the part that does not parse and lists what may stand there; the
/// whole text is the caller's to show.
Result<ThresholdExpression> parse_threshold(std::string_view text);

struct Threshold {
  std::string metric;
  std::string text;
  ThresholdExpression expression;
  Labels labels;
  std::string where;   // file:line of the declaration
  Duration over{0};    // every window of so many whole seconds must hold; 0: the whole run
  Duration after{0};   // the first so many seconds of the load do not count
  bool abort = false;  // its failure ends the run
};

constexpr Duration kLongestWindow = std::chrono::hours(1);

/// Checks that the statistic makes sense for the metric's type (p(N) needs a histogram; a gauge has min and max).
Outcome check_threshold(const Threshold& threshold, const MetricSpec& metric);

struct ThresholdResult {
  std::string metric, text;
  Labels labels;
  std::optional<double> observed;  // nothing: no sample
  bool ok = false;
  std::string why;  // for a failure: observed against bound, or "no samples"
  // Over windows `observed` is that of the worst one.
  double over = 0, after = 0;  // s
  std::uint64_t windows = 0, windows_failed = 0;
  std::optional<double> worst_at;  // its start, in s since the start of the run
  bool aborted = false;            // this one has ended the run
};

/// `elapsed` turns counts into rates. No sample: a counter is judged as 0 (an error counter that was never raised is
/// the best news), so is the count of any metric; everything else fails with "no samples".
ThresholdResult judge(const Threshold& threshold, const Snapshot& snapshot, Duration elapsed);

/// It holds, and would with more samples: a count, and anything of a counter, can only rise above its bound.
bool holds_for_good(const ThresholdResult& result, const ThresholdExpression& expression, MetricType type);

}  // namespace lgen
