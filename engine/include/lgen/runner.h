// Runs scenarios side by side on the loop: setup, VUs by schedule, graceful stop, teardown; keeps count of everything
// that was started.
// Thread: the loop's.
// Lifetime: outlives its scenarios; references loop and metrics.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lgen/error.h"
#include "lgen/loop.h"
#include "lgen/metrics.h"
#include "lgen/schedule.h"
#include "lgen/vu.h"

namespace lgen {

struct PhaseSpec {
  std::string name;
  Duration length{0};
};

struct ScenarioSpec {
  std::string name;
  Load load;
  VuFactory make_vu;
  Duration start_after{0};
  bool background = false;  // ends when all others have (where there are no others: by itself)
  Duration graceful_stop = std::chrono::seconds(30);
  std::vector<PhaseSpec> phases;  // empty: no phase label
  Labels tags;
};

/// Why a run ended.
enum class RunEnd { completed, signal, aborted, plan_error };

struct RunSpec {
  std::vector<ScenarioSpec> scenarios;
  /// Run before the first and after the last iteration; empty: nothing to do. As with Vu::begin an empty Op means done
  /// at once, and the callback is not called. An Error in setup ends the run, without teardown. When the run ends early
  /// setup is cancelled at once, teardown after stop_timeout.
  std::function<Op(std::function<void(Outcome)>)> setup, teardown;
  Duration stop_timeout = std::chrono::seconds(10);  // caps graceful_stop after stop()
  Slice slice;
};

/// Live and final figures of one scenario. started = succeeded + failed + cancelled + running; with arrivals of their
/// own time scheduled = started + dropped + waiting for a VU.
struct ScenarioProgress {
  std::string name;
  std::string load;  // describe_load()
  std::uint64_t started = 0, succeeded = 0, failed = 0, cancelled = 0, dropped = 0;
  std::uint64_t running = 0, vus = 0, max_vus = 0;
  std::uint64_t dropped_with_free_vu = 0;  // of the dropped
  std::uint64_t started_in_warmup = 0;     // of the started, whatever became of them
  std::optional<std::uint64_t> total;      // iterations, where known in advance
  std::optional<std::uint64_t> scheduled;  // rates: arrivals due so far, by the schedule alone
  Duration elapsed{0}, length{0};          // since its start; planned length without graceful stop
  Duration warmup{0};                      // how much of `elapsed` lay in phases called "warmup"
  Duration measured{0};                    // from its start to its end, without warm-up and `paused_for`
  Duration paused_for{0};                  // of the load's time, none of `elapsed`: a pause let nothing of it run
  bool finished = false;
  bool background = false;  // it ends with the others
  // While it runs; in no report.
  bool paused = false;
  bool stopping = false;     // by stop(), or since its foreground is over
  Duration stops_within{0};  // stopping: how long what runs still has
};

/// Arrivals that wait for a VU.
inline std::uint64_t waiting_arrivals(const ScenarioProgress& progress) {
  const std::uint64_t come = progress.scheduled.value_or(0), gone = progress.started + progress.dropped;
  return come > gone ? come - gone : 0;
}

/// "" when the books of all scenarios that have finished balance, else what is missing where.
std::string check_books(const std::vector<ScenarioProgress>& scenarios);

struct RunOutcome {
  RunEnd end = RunEnd::completed;
  std::string reason;  // signal name, abort reason, or the error
  int signal = 0;
  TimePoint started, finished;
  TimePoint load_started, load_finished;  // the scenarios alone, without setup and teardown
  Duration paused{0};                     // of that, while a pause let nothing run
  Duration measured{0};                   // of that, while a scenario was under way and measured
  std::vector<ScenarioProgress> scenarios;
};

class Runner {
 public:
  Runner(Loop& loop, Metrics& metrics, RunSpec spec);
  ~Runner();

  /// Starts the run; `finished` is called once, on the loop, after teardown and when every operation has completed or,
  /// 5 s after its cancel(), been dropped. It may destroy the runner. A spec that cannot run ends as plan_error.
  void start(std::function<void(const RunOutcome&)> finished);

  /// Ends the run early: no new iterations, VUs are asked to stop, after min(graceful_stop, stop_timeout) cancelled.
  /// All of these may be called from anywhere on the loop, also from inside a VU; the first reason to end stays.
  void stop(int signum);
  /// The same on somebody's word; `who` is the reason in the report.
  void stop(std::string who);
  void abort(std::string reason);
  /// The plan can not go on (raised outside an iteration, never yields).
  void fail(std::string reason);
  /// lgen.stop(scenario): ends one scenario as if its time were up.
  Outcome stop_scenario(std::string_view name);

  /// lgen.scale(scenario, n): how many VUs a scenario with the load `external` has from now on.
  Outcome scale_scenario(std::string_view name, std::uint64_t vus);

  /// No iteration starts until resume(), what runs goes on. The time of the scenarios (stages, rates, durations) stands
  /// still meanwhile: nothing comes due, nothing is dropped, the run becomes longer. Before the load: it begins paused.
  /// False: it is so already, or there is nothing left to pause.
  bool pause();
  bool resume();
  bool paused() const;
  /// How long the scenarios' time has stood still so far.
  Duration paused_time() const;

  TimePoint started_at() const;
  std::vector<ScenarioProgress> progress() const;
  /// The outcome as if the run ended now.
  RunOutcome so_far() const;
  /// VUs now running of a scenario; nothing: no such scenario.
  std::optional<std::uint64_t> vus(std::string_view scenario) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lgen
