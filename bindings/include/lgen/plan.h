// A Lua plan, loaded and ready to run: what it declares, its scenarios as VU factories, and what it leaves in a
// Summary. Thread: the loop's. Lifetime: outlives the Runner that runs it; loop and metrics outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lgen/embedded.h"
#include "lgen/error.h"
#include "lgen/grpc.h"
#include "lgen/loop.h"
#include "lgen/metrics.h"
#include "lgen/redact.h"
#include "lgen/runner.h"
#include "lgen/settings.h"
#include "lgen/summary.h"

namespace lgen {

namespace lua {
struct Host;
}

/// One entry of lgen.options, as --help shows it.
struct PlanOption {
  std::string name;  // "hold"
  std::string type;  // "duration"
  std::string help;
  std::optional<std::string> fallback;  // default as text
  std::vector<std::string> choices;
  std::string env;
  bool required = false, list = false, secret = false;
};

enum class PlanPurpose {
  run,
  help,   // stop at the return of lgen.options
  check,  // required options take a sample value; channels are null channels
};

/// Makes the channels of a plan; `lgen check` passes one that makes null channels.
using ChannelFactory = std::function<Result<std::unique_ptr<GrpcChannel>>(
    const std::string& transport, Loop& loop, const std::string& target, const ChannelOptions& options)>;

struct PlanInput {
  std::string path;
  std::vector<std::string> args;  // the plan's own options, as given: {"--channels", "3"}
  std::vector<std::pair<std::string, std::string>> config_options;  // "options" of --config FILE
  EngineOptions options;
  PlanPurpose purpose = PlanPurpose::run;
  ChannelFactory make_channel;      // empty: the real transports
  std::optional<std::string> text;  // of a plan that is in no file; `path` stands in messages, its folder counts
  Slice slice;                      // this process's part of the load, and of the rows that data hands out
};

class Plan {
 public:
  Plan(Loop& loop, Metrics& metrics, PlanInput input);
  ~Plan();
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  /// Reads, lints and runs the file's top level. The error's message is ready to print: "file:line: what".
  Outcome load();

  const Settings& settings() const;
  const std::string& name() const;
  const std::string& about() const;
  const std::vector<PlanOption>& options() const;

  /// Scenarios with their VU factories, setup (waits for the channels first) and teardown.
  RunSpec run_spec();
  /// lgen.stop, lgen.abort and the watchdog act on it; call before Runner::start.
  void attach(Runner& runner);

  /// Judges thresholds over windows and those that may end the run. Call it about once a second, before the time line's
  /// tick, and once at the end; `elapsed` since the start of the run.
  void second_over(Duration elapsed);

  /// What the plan holds for the report: thresholds, checks, distributions, events, errors, channels, connections,
  /// its own part of `run`. `summary.metrics` and `summary.run.duration` must be set: thresholds are judged on them.
  /// Judging a distribution takes up to a second: in the middle of a run `judge_distributions` is better false.
  void fill(Summary& summary, bool judge_distributions = true) const;

  /// The part of RunInfo that is known once the plan is loaded: plan, options, seed, target.
  void describe(RunInfo& run) const;

  /// Hides secret values, of options and of data, in what is made of the run.
  const Redactor& redactor() const;

  /// Calls `listener` for everything that fails from now on; an empty one is for nobody.
  void on_failure(std::function<void(const Failure&)> listener);
  /// The same for the plan's events, as far as they are kept.
  void on_event(std::function<void(const EventRecord&)> listener);

  /// Set when the channels did not become ready within --wait-ready: why.
  const std::string& connect_failure() const;

  /// Set when the run ended before its load began because the plan does not fit what the server says of itself: methods
  /// that it does not have, no reflection. A line each, ready to print.
  const std::string& misfit() const;

  /// In `lgen check`: places where it stopped trying, because what follows depends on a server's reflection.
  const std::vector<std::string>& untried() const;

  /// Called on another thread when the plan hangs in a function that cannot be interrupted while it runs (not while it
  /// loads); everything stands still meanwhile and may be read. It should print what there is and end the process; if
  /// it returns, the process ends with exit code 107.
  void on_stuck(std::function<void(const std::string& why)> last_words);

  /// Streams whose end is still on its way: the run is over when there are none (or after a grace).
  std::size_t open_streams() const;

  /// Closes channels and the Lua state; afterwards nothing of the plan is on the loop.
  void close();

 private:
  std::unique_ptr<lua::Host> host_;
  std::string plan_sha256_;
};

/// The .proto files that every plan finds without import paths.
std::span<const EmbeddedFile> bundled_protos();

/// The text of meta/lgen.d.lua, generated from the binding registry.
std::string plan_api_meta();

}  // namespace lgen
