// Who: the virtual users of one scenario and what each is doing. Makes them, begins and ends them, hands out the one
// idle longest, asks those that must leave to stop, cancels them when they take too long and drops what does not even
// react to that.
// Thread: the loop's.
// Lifetime: never destroyed inside a VU's callback. VUs are made, ended and destroyed only inside the step functions
// grow(), shrink(), settle() and enforce(), never inside their own completions; `changed` asks for those steps.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "lgen/loop.h"
#include "lgen/vu.h"

namespace lgen {

/// One place in the pool. absent → beginning → idle ⇄ busy → (leaving) idle → ending → gone → absent.
struct PooledVu {
  enum class State { absent, beginning, idle, busy, ending, gone };
  std::unique_ptr<Vu> vu;
  Op op;  // declared after `vu`: dropped before it
  State state = State::absent;
  bool leaving = false;          // takes no further iteration
  bool cancelled = false;        // its Op has been asked to end
  std::uint64_t index = 0;       // place in this rank's pool, 0-based
  std::uint64_t iterations = 0;  // started
  TimePoint free_since;
  TimePoint leave_by;           // while leaving: when its Op is cancelled
  TimePoint deadline = kNever;  // key in the pool's deadlines
  TimePoint intended;           // of the running iteration
  std::size_t phase = 0;        // of the running iteration
};

class VuPool {
 public:
  struct Hooks {
    /// An iteration has ended, or was given up as cancelled. May call retire().
    std::function<void(PooledVu&, IterationEnd)> iteration_over;
    /// begin() or end() did not succeed though nobody cancelled it; `what` is "begin" or "end".
    std::function<void(const PooledVu&, std::string_view what)> failed;
    /// There is a step to take.
    std::function<void()> changed;
  };
  using MakeVu = std::function<std::unique_ptr<Vu>(std::uint64_t index)>;

  /// After cancel() an operation has this long to complete; then it is dropped. end() may take at least this long.
  static constexpr Duration kCancelTime = std::chrono::seconds(5);

  VuPool(Loop& loop, MakeVu make, Hooks hooks);
  VuPool(const VuPool&) = delete;
  VuPool& operator=(const VuPool&) = delete;

  /// VUs asked for by grow() and not taken back by shrink(), whether still there or already gone.
  std::uint64_t size() const { return size_; }
  /// VUs that exist.
  std::uint64_t alive() const { return alive_; }
  /// VUs that take_idle() would hand out. Counts them.
  std::uint64_t idle() const;

  /// Makes one more VU. False: its place is still taken by one that is leaving.
  bool grow();
  /// Takes back the last one; it has until `leave_by`.
  void shrink(TimePoint leave_by);

  /// The VU idle longest, or null.
  PooledVu* take_idle();
  /// Precondition: `vu` came from take_idle().
  void start(PooledVu& vu, const Iteration& iteration);
  /// Lets `vu` go: now if it is idle, else after what it runs, which is asked to stop and cancelled at `leave_by`.
  void retire(PooledVu& vu, TimePoint leave_by);
  /// No VU that leaves has longer than this.
  void cap(TimePoint leave_by);

  /// One VU with nothing left to run: its end(), or its destruction. False: there is none.
  bool settle();
  /// One deadline that has passed. False: there is none.
  bool enforce(TimePoint now);
  TimePoint next_deadline() const;

 private:
  void begun(PooledVu& vu, IterationEnd end);
  void iteration_over(PooledVu& vu, IterationEnd end);
  void ended(PooledVu& vu, IterationEnd end);
  void become_idle(PooledVu& vu);
  void become_gone(PooledVu& vu);
  void end(PooledVu& vu);
  void give_up(PooledVu& vu);
  void set_deadline(PooledVu& vu, TimePoint when);

  Loop& loop_;
  MakeVu make_;
  Hooks hooks_;
  std::deque<PooledVu> places_;  // a deque: addresses stay
  std::uint64_t size_ = 0, alive_ = 0;
  std::deque<PooledVu*> idle_;      // may hold VUs that have been retired since
  std::deque<PooledVu*> settling_;  // idle and leaving, or gone
  std::set<std::pair<TimePoint, std::uint64_t>> deadlines_;
  TimePoint cap_ = kNever;
};

}  // namespace lgen
