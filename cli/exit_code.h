// Exit codes, k6's where k6 has one, and which of them a run ends with.
// Thread: pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "lgen/runner.h"
#include "lgen/settings.h"
#include "lgen/summary.h"

namespace lgen::cli {

inline constexpr int kOk = 0;
inline constexpr int kFailed = 99;          // a check or threshold failed, or nothing succeeded
inline constexpr int kConfiguration = 104;  // the plan or the command line
inline constexpr int kStopped = 105;        // SIGINT, SIGTERM, lgen ctl stop
inline constexpr int kPlanError = 107;      // the plan raised outside an iteration, or never yields
inline constexpr int kAborted = 108;        // lgen.abort
inline constexpr int kInvalid = 111;        // the generator was the bottleneck
inline constexpr int kOutputFailed = 113;

struct ExitCode {
  int number;
  std::string_view meaning;
};
/// For --help and the manual.
std::span<const ExitCode> exit_codes();

/// What speaks against the run, in words; empty: nothing. `connect_failure`: why the channels never became ready.
std::string failure_of(const Summary& summary, const std::string& connect_failure);

/// The event that ended the run first, then 111, 99, 113.
int exit_code(const RunOutcome& outcome, const Summary& summary, const Settings& settings,
              const std::string& connect_failure, bool output_failed);

}  // namespace lgen::cli
