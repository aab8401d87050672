// One scenario of a run: waits for its start, runs its worker, can be stopped early, and tells how it stands.
// Thread: the loop's.
// Lifetime: `over` is called once, on the loop, never inside a call of this class.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "lgen/loop.h"
#include "lgen/metrics.h"
#include "lgen/runner.h"
#include "lgen/schedule.h"
#include "pause_clock.h"
#include "tally.h"
#include "worker.h"

namespace lgen {

class Scenario {
 public:
  struct Hooks {
    std::function<void()> over;
    /// A VU could not begin or end; the text says which and where.
    std::function<void(std::string)> failed;
  };

  /// `first_vu_id`: VuIdentity::id of the first VU over all ranks.
  Scenario(Loop& loop, Metrics& metrics, ScenarioSpec spec, Slice slice, std::uint64_t first_vu_id, Hooks hooks);

  /// Starts after `start_after`, counted from now; not at all if it was stopped before.
  void start();
  /// Ends it as if its time were up; what runs has graceful_stop, but at most `cap`. May be called from inside a VU.
  void stop(Duration cap);

  /// No iteration starts until resume(); the time of the scenario stands still meanwhile.
  void pause();
  void resume();

  /// Sets the number of VUs (over all ranks). Fails where the load decides that itself, or beyond its max_vus.
  Outcome scale(std::uint64_t vus);

  const std::string& name() const { return spec_.name; }
  bool background() const { return spec_.background; }
  bool finished() const { return stage_ == Stage::finished; }
  std::uint64_t vus() const { return worker_.vus(); }
  ScenarioLife life() const { return {begun_, finished_, worker_.idle_since()}; }
  ScenarioProgress progress() const;

 private:
  enum class Stage { waiting, running, finished };
  void start_worker();
  std::unique_ptr<Vu> make_vu(std::uint64_t index) const;
  void over();
  void vu_failed(const PooledVu& vu, std::string_view what);

  Loop& loop_;
  const ScenarioSpec spec_;
  const Schedule schedule_;
  const std::uint64_t first_vu_id_;
  Hooks hooks_;
  Stage stage_ = Stage::waiting;
  TimePoint begun_ = kNever, finished_ = kNever;
  bool paused_ = false, asked_ = false;  // asked: by start()
  Duration until_start_{0};              // of one that is paused before its start
  Timer start_timer_;
  Tally tally_;
  Worker worker_;
};

}  // namespace lgen
