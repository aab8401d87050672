// The one event loop of the process: libuv alone, or, as soon as a gRPC-core channel exists, a loop that blocks in
// gRPC's completion queue and lets libuv run between.
// Thread: everything here belongs to the thread that calls run(); only wake() may come from another one.
// Lifetime: outlives every timer, channel and operation on it. Destroying it with something left open is a bug
// (`open_handles()` tells; tests fail on it).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "lgen/error.h"
#include "lgen/time.h"

namespace lgen {

class TimerQueue;

class Loop {
 public:
  using Task = std::function<void()>;

  explicit Loop(Clock& clock);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// The time of this turn, read once when the turn began: for decisions.
  TimePoint now() const;
  /// The clock, read now: for latency.
  TimePoint precise_now() const { return clock_.now(); }
  Clock& clock() const { return clock_; }

  /// Runs `task` in a later phase of this turn or in the next one, never inside this call; first in, first out.
  void post(Task task);
  /// The same from any thread.
  void wake(Task task);

  /// Turns until stop() is called. With a manual clock the time jumps to the next timer whenever nothing is ready.
  void run();
  /// Turns until `done` says so (asked before every turn) or stop() is called.
  void run_until(const std::function<bool()>& done);
  void stop();

  /// Calls `handler` on the loop for every delivery of `signum`; an empty handler gives the signal back.
  void on_signal(int signum, std::function<void(int)> handler);

  /// Called at the end of every turn, before the loop blocks: the place to flush what a turn has gathered.
  /// Returns an id for remove_turn_hook().
  std::size_t add_turn_hook(Task hook);
  void remove_turn_hook(std::size_t id);

  /// Spin for the last millisecond before a timer instead of sleeping (--precise).
  void set_precise(bool precise);

  /// Turns so far; a watchdog on another thread may read it (atomic).
  std::uint64_t turns() const;
  /// How late timers fired and how long the loop was away from its poll, since the last call.
  struct Health {
    Duration max_timer_lateness{0};
    Duration max_slice{0};   // longest time between two polls
    Duration total_busy{0};  // time spent outside the poll
  };
  Health take_health();
  /// Called with every slice (time between two polls), for slice_seconds; at most one listener.
  void on_slice(std::function<void(Duration)> listener);

  /// Timers armed + operations and handles not yet closed: 0 when nothing is left behind.
  std::size_t open_handles() const;

  /// For the layers below net and load only (src/loop/loop_internal.h).
  struct Internals;
  Internals& internals() { return *internals_; }

 private:
  Clock& clock_;
  std::unique_ptr<Internals> internals_;
};

/// A one-shot timer with nanosecond deadlines; re-armed as often as wanted without allocation.
/// Lifetime: destroying it disarms it; it may be re-armed or destroyed inside its own callback.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> fire);
  /// On a queue without a loop, which its owner advances.
  Timer(TimerQueue& queue, std::function<void()> fire);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Fires once at `when` (at once, in the next turn, if that has passed). Re-arming moves it.
  void arm(TimePoint when);
  void disarm();
  bool armed() const { return slot_ != kUnarmed; }
  TimePoint when() const { return when_; }

 private:
  friend class TimerQueue;
  static constexpr std::size_t kUnarmed = static_cast<std::size_t>(-1);
  TimerQueue& queue_;
  std::function<void()> fire_;
  TimePoint when_{};
  std::uint64_t order_ = 0;      // equal deadlines fire in the order they were armed
  std::size_t slot_ = kUnarmed;  // place in the queue's heap
};

}  // namespace lgen
