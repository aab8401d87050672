// One run of a loaded plan from start to Summary: runner, signals, progress, time lines.
// Thread: the main thread.
#pragma once

#include <functional>

#include "lgen/loop.h"
#include "lgen/metrics.h"
#include "lgen/plan.h"
#include "lgen/process.h"
#include "lgen/runner.h"
#include "lgen/summary.h"
#include "run_outputs.h"

namespace lgen::cli {

struct SessionResult {
  RunOutcome outcome;
  Summary summary;
};

/// Blocks until the run has ended. SIGINT and SIGTERM end it early; a second one ends the process at once.
/// `outputs` sees the run while it goes on.
/// `stuck`: gets the result so far when the plan hangs for good, on another thread and while everything stands still.
SessionResult run_session(Loop& loop, Metrics& metrics, Plan& plan, const DescriptorLimit& descriptors,
                          RunOutputs& outputs, const std::function<void(SessionResult)>& stuck);

}  // namespace lgen::cli
