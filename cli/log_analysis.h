// `lgen analyze logs`: what the pods' own logs say about the balancer. Lines go in as they come, in any order over the
// pods; a report comes out at any time, so that a growing log can be followed.
// Thread: one; the report is a value, its renderings are pure functions.
// Units: milliseconds since 1970 in the logs' time zone, seconds for lengths.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lgen/report.h"
#include "lgen/summary.h"
#include "log_lines.h"

namespace lgen {

/// What one pod logged. opened = finished + unclosed + lost_at_restart, as far as the log is whole.
struct PodLog {
  std::string name;
  std::uint64_t opened = 0, finished = 0;
  std::uint64_t closed = 0, cancelled = 0, failed = 0;  // how those finished ended
  std::uint64_t no_messages = 0;                        // streams that never said who they are
  std::uint64_t unclosed = 0;                           // open when the log ends
  std::uint64_t lost_at_restart = 0;                    // open when the server started anew
  std::uint64_t started_before = 0;                     // finished, but opened before the log begins
  std::uint64_t restarts = 0;
  std::uint64_t messages = 0;  // processed, of streams closed or cancelled
  double active = 0, peak_active = 0;
  std::optional<double> age_s, grace_s;  // of the last start line
};

/// How long streams lived, against what connection age allows: uniform[0.9a, 1.1a] + g.
struct Lifetimes {
  std::uint64_t count = 0;
  double min = 0, avg = 0, med = 0, p90 = 0, max = 0;
  // Of the streams of pods that told their age:
  std::uint64_t judged = 0, shorter = 0, within = 0, longer = 0;
  double low_s = 0, high_s = 0;  // the window, from the least to the greatest over all pods
  /// Of each connection's longest stream within the window (streams of one connection end together): the greatest
  /// distance from the uniform law (Kolmogorov, Smirnov), and what chance stays below in 99 of 100 cases.
  std::uint64_t connections = 0;
  double distance = 0, distance_limit = 0;
};

/// The gauge over time; point i is the highest value within [from + i·step, from + (i+1)·step).
struct ActiveSeries {
  std::string pod;  // "" is the sum of all pods
  std::vector<double> points;
  double last = 0, peak = 0;
};

struct LogReport {
  std::uint64_t lines = 0, foreign = 0;
  std::vector<std::string> foreign_examples;
  std::int64_t from_ms = 0, to_ms = 0, step_ms = 0;
  std::vector<PodLog> pods;
  DistributionResult distribution;   // streams of a client's channel by pod
  std::uint64_t without_client = 0;  // streams whose lines do not say whose they are: not in the matrix
  Lifetimes lifetimes;
  std::vector<ActiveSeries> active;                           // the sum first
  std::vector<std::pair<std::string, std::uint64_t>> errors;  // by text, most frequent first
};

class LogAnalysis {
 public:
  /// `pod` names the source; kubectl's prefix in the line is stronger.
  void feed(std::string_view pod, std::string_view line);
  /// Of everything fed so far; lines are merged by time. Costs time in proportion to all lines.
  LogReport result() const;

  /// A line of a stream or a server, without its text.
  struct Event {
    std::int64_t at_ms;
    std::uint32_t pod;
    std::uint32_t peer;  // client and channel; kNobody: unsaid
    LogLineKind kind;
    double active;  // < 0: unsaid
    std::uint64_t messages;
    double age_s, grace_s;
  };
  static constexpr std::uint32_t kNobody = ~std::uint32_t{0};

 private:
  std::uint32_t pod_index(std::string_view name);
  std::uint32_t peer_index(const LogLine& line);
  /// A clock set back by up to 2 s does not turn a pod's lines around; more is another part of its log.
  std::int64_t in_order(std::uint32_t pod, std::int64_t at_ms);

  std::vector<Event> events_;
  std::vector<std::string> pods_, peers_;
  std::map<std::string, std::uint32_t, std::less<>> pod_index_, peer_index_;
  std::vector<std::int64_t> newest_;  // by pod
  std::map<std::string, std::uint64_t, std::less<>> errors_;
  std::uint64_t lines_ = 0, foreign_ = 0;
  std::vector<std::string> foreign_examples_;
};

/// For the terminal, in the manner of render_console.
std::string render_logs_console(const LogReport& report, const ConsoleStyle& style);

/// Schema "lgen.logs/1".
std::string render_logs_json(const LogReport& report);

}  // namespace lgen
