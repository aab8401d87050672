// The lines of outputs that grow with a run: NDJSON of what failed, and an HDR log of every second's histograms.
// Thread: one.
// Units: seconds since the start of the run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "lgen/summary.h"

namespace lgen {

inline constexpr std::string_view kNdjsonSchema = "lgen.ndjson/1";

/// One JSON object a line, by "type": "begin" (the run), "error" (what failed, as it happens), "event" (of the plan, or
/// an order from outside), "left_out" (how many errors of a second are not there), "second" (what the second brought),
/// "end" (the exit code, and what this and other outputs have lost). Lines gather until they are taken.
class NdjsonLog {
 public:
  explicit NdjsonLog(std::uint64_t errors_a_second) : limit_(errors_a_second) {}

  void begin(const RunInfo& run);
  void failure(const Failure& failure);
  void event(const EventRecord& event);
  /// `change`: what the second brought, Snapshot::since(); `now`: how things stand.
  void second(Duration from, Duration to, const Snapshot& change, const Snapshot& now);
  void end(const RunInfo& run);

  std::string take() { return std::exchange(lines_, {}); }
  std::size_t size() const { return lines_.size(); }

 private:
  void tell_left_out(double at);

  std::uint64_t limit_;
  std::string lines_;
  std::uint64_t in_this_second_ = 0, errors_ = 0, left_out_ = 0;
};

/// HdrHistogram's log format 1.3, a line for each series of a histogram that has changed:
/// Tag=METRIC{label=value;…},start,length,max,histogram. In tags, % , ; = { } blanks and controls are written as %XX.
std::string hdr_log_header(const RunInfo& run);
std::string hdr_log_second(Duration from, Duration to, const Snapshot& change);

}  // namespace lgen
