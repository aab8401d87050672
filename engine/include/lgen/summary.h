// Everything a run leaves behind, as one value: console, JSON and every later report are pure functions of it.
// Thread: a value.
// Units: seconds since the start of the run, unless a name says otherwise.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lgen/connect_steps.h"
#include "lgen/distribution.h"
#include "lgen/metrics.h"
#include "lgen/runner.h"
#include "lgen/threshold.h"
#include "lgen/timeline.h"

namespace lgen {

inline constexpr std::string_view kSummarySchema = "lgen.summary/1";

/// An option's or an event's value, of the type the plan gave it.
using Scalar = std::variant<std::string, bool, double>;
using Fields = std::vector<std::pair<std::string, Scalar>>;

struct RunInfo {
  std::string plan;  // path as given
  std::string plan_name, about;
  std::string plan_sha256;
  Fields options;  // engine and plan options as used; secrets left out
  std::uint64_t seed = 0;
  std::string lgen_version, host;
  std::string target;    // "" when the plan needs none
  std::string security;  // "plaintext", "TLS, system roots (port 443)", "TLS, CA ca.pem" ...
  std::string transport = "grpc";
  double started_unix = 0;        // s
  double duration = 0;            // s, first iteration to last
  double paused = 0;              // s of it in which a pause let nothing run
  double measured = 0;            // s of it in which a scenario was under way, without warm-up and paused
  std::string end = "completed";  // completed, signal, aborted, plan_error
  std::string end_reason;
  int exit_code = 0;
  std::uint64_t outputs_lost = 0, lines_lost = 0;  // outputs of --out that are not whole; what is known to be missing
  std::vector<std::string> notes;                  // "file descriptor limit raised from 1024 to 1048576", ...
};

struct CheckResult {
  std::string name;
  std::uint64_t passes = 0, fails = 0;  // without warm-up, as everything that judges the run
  std::string first_failure;            // detail of the first failed one that counts
  std::uint64_t warmup_passes = 0, warmup_fails = 0;
};

struct DistributionResult {
  DistributionTable table;
  Verdict verdict;
  double jain = 0, max_over_mean = 0;
};

struct EventRecord {
  double at = 0;
  std::string name;
  Fields fields;
};

/// Errors of the same code, text and place, counted together.
struct ErrorSample {
  std::string code;  // "UNAVAILABLE", "plan"
  std::string message;
  std::string where;  // method, scenario or file:line
  std::string backend;
  std::uint64_t count = 0;           // without warm-up, as everything that judges the run
  double first_at = 0, last_at = 0;  // of those; of the ones in warm-up where there were no others
  std::uint64_t warmup = 0;          // the same in warm-up
};

/// One call, stream, check or iteration that failed, as it happened.
struct Failure {
  double at = 0;
  std::string_view kind;  // "call", "stream", "check", "iteration"
  std::string_view scenario, phase;
  std::string_view where;             // method, check or scenario
  std::string_view channel, backend;  // "" where there is none
  std::string_view code;              // "UNAVAILABLE", "check", "plan"
  std::string_view message;
  std::optional<double> duration;  // of the call or stream
};

/// The reason of a connection that the plan has reconnected or closed: it is counted, and no news.
inline constexpr std::string_view kLeftByPlan = "left by the plan";

/// One connection's life.
struct ConnectionRecord {
  std::string channel;  // "main[1]"
  std::uint64_t connection = 0;
  std::string peer;
  double opened_at = 0;
  std::optional<double> closed_at;
  std::string goaway;                       // "", "inferred", "seen"
  std::string reason;                       // why it was left
  std::optional<ConnectSteps> timing = {};  // how it was made, where the transport knows
};

/// A channel as it was used, or all of one name that a plan has made one after the other: how many sockets it really
/// took.
struct ChannelSummary {
  std::string name, pool, target;
  std::uint64_t connections = 0;
  std::uint64_t failed_attempts = 0;
  std::string last_error;
  std::string connection = "own";  // or "shared"
  std::uint64_t made = 1;          // channels of this name
  std::uint64_t reconnects = 0;    // connections that were not their channel's first
};

enum class Validity { valid, suspect, invalid };
std::string_view to_string(Validity validity);

/// The first call on a backend or connection, or the first stream there up to its headers: a cold start.
struct FirstCallRecord {
  double at = 0;
  std::string kind;  // first_on_backend, first_on_connection
  std::string scenario, name, method, backend, connection, code;
  double duration = 0;    // s
  double connecting = 0;  // s of it, until the connection was there
  std::string why;
};

/// The generator about itself.
struct GeneratorHealth {
  Validity validity = Validity::valid;
  std::vector<std::string> reasons;
  double cpu_seconds = 0;     // user + system
  double cpu_share = 0;       // of one core, over the run
  std::uint64_t max_rss = 0;  // B
  std::uint64_t fd_limit = 0;
  double throttled_share = 0;              // of the run, by a CPU quota (cgroup's cpu.stat)
  std::uint64_t dropped_with_free_vu = 0;  // arrivals; 0 in closed loads
};

struct Summary {
  RunInfo run;
  std::vector<ScenarioProgress> scenarios;
  Snapshot metrics;
  std::vector<ThresholdResult> thresholds;
  std::vector<CheckResult> checks;
  std::vector<DistributionResult> distributions;
  TimelineData timelines;
  std::vector<EventRecord> events;
  std::uint64_t events_dropped = 0;  // beyond the limit of kept events
  std::vector<std::string> printed;  // lines: what the plan's teardown has said of the run
  std::vector<ErrorSample> errors;
  std::uint64_t errors_dropped = 0;
  std::vector<ChannelSummary> channels;
  std::vector<ConnectionRecord> connections;
  std::vector<FirstCallRecord> first_calls;  // the slowest, slowest first
  GeneratorHealth health;
  std::string conservation;  // "" when everything started is accounted for, else what is not
};

/// What rates are over: the seconds in which a scenario, or ("") any of them, was under way, without warm-up and
/// without what a pause kept still.
double measured_seconds(const Summary& summary, std::string_view scenario = {});
/// What the samples of the matching series are over: of one scenario its own time, of several that of any.
double measured_seconds(const Summary& summary, const MetricSnapshot& metric, const Labels& wanted = {});

/// Judges the generator by the limits in validity.cc (start lag, loop lag, dropped arrivals, exhaustion, CPU quota);
/// fills validity and reasons.
void judge_validity(Summary& summary);

}  // namespace lgen
