// SIGINT and SIGTERM before the run can take them: while the stand-in cluster starts, which takes seconds.
// Thread: the main thread; the handler may run on any.
// Lifetime: from catch_early_signals() until the run installs handlers of its own.
#pragma once

namespace lgen::cli {

/// From now on the first signal is only noted; the second one ends the process, as it does in a run.
void catch_early_signals();

/// Readable once a signal has come.
int early_signal_fd();

/// The signal that came; 0: none.
int early_signal();

}  // namespace lgen::cli
