// The timers of a loop, ordered by deadline: a passive structure that is told the time and never asks for it.
// Thread: the loop's.
// Lifetime: outlives its timers. Timers may be armed, disarmed and destroyed inside their callbacks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lgen/loop.h"
#include "lgen/time.h"

namespace lgen {

/// A 4-ary heap: half the levels of a binary one, and four children share a cache line and a half. Every timer knows
/// its slot, so disarming costs a sift, not a search.
class TimerQueue {
 public:
  /// Armed timers.
  std::size_t size() const { return heap_.size() + due_left_; }
  /// The earliest deadline, kNever without one.
  TimePoint next() const { return heap_.empty() ? kNever : heap_.front().when; }
  /// Fires what is due at `now`, by deadline, then in the order of arming. What a callback arms fires in a later call,
  /// even when already due. Returns how many fired.
  std::size_t advance_to(TimePoint now);
  /// How late the latest timer fired since the last call. One that was armed for a time long past ("at once") counts
  /// from the advance_to() before.
  Duration take_max_lateness();

 private:
  friend class Timer;
  struct Entry {
    TimePoint when;
    std::uint64_t order;
    Timer* timer;
    bool before(const Entry& other) const { return when != other.when ? when < other.when : order < other.order; }
  };
  static constexpr std::size_t kChildren = 4;
  static constexpr std::size_t kDue = std::size_t{1} << (sizeof(std::size_t) * 8 - 1);  // slot bit: in due_

  void arm(Timer& timer, TimePoint when);
  void disarm(Timer& timer);
  void forget(Timer& timer);  // its destructor
  void place(std::size_t slot, const Entry& entry);
  void sift_up(std::size_t slot, const Entry& entry);
  void sift_down(std::size_t slot, const Entry& entry);
  void remove(std::size_t slot);
  void collect_due(TimePoint now);
  void fire(Timer& timer);

  std::vector<Entry> heap_;
  std::vector<Timer*> due_;  // taken out of the heap by advance_to(), nullptr once disarmed
  std::size_t due_left_ = 0;
  Timer* firing_ = nullptr;  // nullptr again when it was destroyed inside its own callback
  std::uint64_t next_order_ = 0;
  TimePoint seen_{};  // nothing armed before it was due then
  Duration max_lateness_{0};
};

}  // namespace lgen
