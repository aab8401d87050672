// The outputs of one run, from before its load begins to after its end: the console's report and everything of --out.
// Thread: the main thread; finish() also another one when the main thread stands still for good.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lgen/loop.h"
#include "outputs.h"
#include "stdout_loan.h"

namespace lgen::cli {

class RunOutputs {
 public:
  /// Fails on what is no format, and on a place that cannot be written or listened on. Takes standard output from the
  /// plan when an output goes there.
  static Result<RunOutputs> open(Loop& loop, std::span<const std::string> texts, StdoutLoan& loan);

  void begin(const RunView& view);
  void tick(Duration elapsed);
  void failure(const Failure& failure);
  void event(const EventRecord& event);
  /// Whether anything is to be told of the run while it goes on.
  bool any_live() const { return !live_.empty(); }

  /// Main thread only: what the live ones still have to send goes out.
  void deliver(const Summary& summary);
  /// The live ones first, then those made of the summary, then the report on the console, then the last words of the
  /// live ones, which thus know all that came before. What could not be written is told, and noted in the summary.
  void finish_live(Summary& summary);
  void write_files(Summary& summary, StdoutLoan& loan);
  /// False: something of this could not be written.
  bool print(const Summary& summary, bool no_color);
  bool say_last_words(const RunInfo& run, StdoutLoan& loan);
  /// Main thread only: waits for those who are still awaited, but no longer than until a signal.
  void linger(const Summary& summary);

 private:
  explicit RunOutputs(Loop& loop) : loop_(&loop) {}
  void run_while_busy();

  Loop* loop_;
  std::vector<OutputRequest> rendered_;
  std::vector<std::unique_ptr<LiveOutput>> live_;
  Metrics* metrics_ = nullptr;  // while the run goes on
  const Redactor* redactor_ = nullptr;
  Snapshot before_;  // of the last tick, at `ticked_`
  Duration ticked_{0};
  bool takes_stdout_ = false;
};

}  // namespace lgen::cli
