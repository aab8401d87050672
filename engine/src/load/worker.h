// Joins when and who: an arrival that is due takes a free VU, or waits for one; VUs come and go as the schedule says.
// Everything is done in turn(), called when something has changed or a time has come, and in small portions, so that
// ten thousand VUs do not keep the loop from its connections.
// Thread: the loop's.
// Lifetime: references the tally and the schedule; `over` is called once, from turn().
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "arrivals.h"
#include "lgen/loop.h"
#include "lgen/schedule.h"
#include "soon.h"
#include "tally.h"
#include "vu_pool.h"

namespace lgen {

class Worker {
 public:
  struct Hooks {
    /// Every VU is gone and nothing more will start.
    std::function<void()> over;
    /// A VU's begin() or end() failed.
    std::function<void(const PooledVu&, std::string_view what)> vu_failed;
  };

  Worker(Loop& loop, const Schedule& schedule, Duration graceful_stop, Tally& tally, VuPool::MakeVu make, Hooks hooks);

  /// The schedule's offset 0 is now.
  void start();
  /// From now on there should be so many VUs, whatever the schedule says, until its end.
  void scale(std::uint64_t vus);
  /// The schedule's clock stands still, or goes on where it stood: nothing starts meanwhile, nothing comes due, and no
  /// latency contains the pause. What runs goes on.
  void pause();
  void resume();
  /// Nothing more starts; what runs has `grace` at most. Harmless when repeated; the shortest grace counts. May be
  /// called from inside a VU.
  void stop(Duration grace);

  /// Of the schedule's time.
  Duration elapsed(TimePoint now) const { return clock(now) - started_; }
  bool paused() const { return paused_at_ != kNever; }
  bool stopping() const { return stopping_; }
  /// When what still runs after a stop will be cancelled; kNever: not stopped.
  TimePoint stop_by() const { return stop_by_; }
  std::uint64_t vus() const { return pool_.alive(); }
  /// Since when no iteration runs; kNever: one does.
  TimePoint idle_since() const { return tally_.running() > 0 ? kNever : last_over_; }
  /// Arrivals that have come due so far, counted from the schedule alone; nothing: a closed kind.
  std::optional<std::uint64_t> scheduled() const { return schedule_.due_by(schedule_time(loop_.now())); }

 private:
  void turn();
  // One step each; false: there is none to take.
  bool follow_schedule(TimePoint now);
  bool take_arrival(TimePoint now);
  void start_iteration(PooledVu& vu);
  void iteration_over(PooledVu& vu, IterationEnd end);
  void finish(TimePoint now);
  void arm(TimePoint now);
  std::uint64_t wanted_vus(TimePoint now) const;
  bool closing(TimePoint now) const;
  void note_closing(TimePoint now);
  bool is_over(TimePoint now) const;
  TimePoint leave_by(TimePoint now) const;
  TimePoint end() const { return started_ + schedule_.end(); }
  bool open() const { return schedule_.backlog().has_value(); }
  /// The schedule's clock: `now`, unless it stands still.
  TimePoint clock(TimePoint now) const { return std::min(now, paused_at_); }
  /// How far the schedule has got: a stop ends it.
  Duration schedule_time(TimePoint now) const { return std::min(clock(now), stopped_at_) - started_; }
  /// Since when `vu` could have taken an arrival; no pause counts as its waiting.
  TimePoint free_since(const PooledVu& vu) const { return std::max(vu.free_since, resumed_at_); }

  Loop& loop_;
  const Schedule& schedule_;
  const Duration graceful_stop_;
  Tally& tally_;
  Hooks hooks_;
  TimePoint started_{};
  TimePoint last_turn_{};
  TimePoint stopped_at_ = kNever, stop_by_ = kNever;
  TimePoint paused_at_ = kNever;  // the schedule's clock stands there
  TimePoint resumed_at_{}, last_over_{};
  bool stopping_ = false, over_ = false, closed_ = false;
  std::optional<std::uint64_t> scaled_;
  Arrivals arrivals_;
  Soon soon_;
  Timer timer_;
  VuPool pool_;  // last: its VUs go first
};

}  // namespace lgen
