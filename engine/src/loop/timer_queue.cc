#include "timer_queue.h"

#include <algorithm>
#include <utility>

namespace lgen {

void TimerQueue::place(std::size_t slot, const Entry& entry) {
  heap_[slot] = entry;
  entry.timer->slot_ = slot;
}

void TimerQueue::sift_up(std::size_t slot, const Entry& entry) {
  while (slot > 0) {
    const std::size_t parent = (slot - 1) / kChildren;
    if (!entry.before(heap_[parent])) break;
    place(slot, heap_[parent]);
    slot = parent;
  }
  place(slot, entry);
}

void TimerQueue::sift_down(std::size_t slot, const Entry& entry) {
  for (;;) {
    const std::size_t first = slot * kChildren + 1;
    if (first >= heap_.size()) break;
    std::size_t least = first;
    const std::size_t end = std::min(first + kChildren, heap_.size());
    for (std::size_t child = first + 1; child < end; ++child) {
      if (heap_[child].before(heap_[least])) least = child;
    }
    if (!heap_[least].before(entry)) break;
    place(slot, heap_[least]);
    slot = least;
  }
  place(slot, entry);
}

void TimerQueue::remove(std::size_t slot) {
  const Entry last = heap_.back();
  heap_.pop_back();
  if (slot == heap_.size()) return;
  if (slot > 0 && last.before(heap_[(slot - 1) / kChildren])) {
    sift_up(slot, last);
  } else {
    sift_down(slot, last);
  }
}

void TimerQueue::arm(Timer& timer, TimePoint when) {
  disarm(timer);
  timer.when_ = when;
  timer.order_ = next_order_++;
  const Entry entry{when, timer.order_, &timer};
  heap_.push_back(entry);
  sift_up(heap_.size() - 1, entry);
}

void TimerQueue::disarm(Timer& timer) {
  if (timer.slot_ == Timer::kUnarmed) return;
  if (timer.slot_ & kDue) {
    due_[timer.slot_ & ~kDue] = nullptr;
    --due_left_;
  } else {
    remove(timer.slot_);
  }
  timer.slot_ = Timer::kUnarmed;
}

void TimerQueue::forget(Timer& timer) {
  disarm(timer);
  if (firing_ == &timer) firing_ = nullptr;
}

/// Everything due leaves the heap before the first callback runs, so that a timer re-armed for "now" cannot starve
/// the others.
void TimerQueue::collect_due(TimePoint now) {
  due_.clear();
  while (!heap_.empty() && heap_.front().when <= now) {
    Timer* timer = heap_.front().timer;
    remove(0);
    timer->slot_ = kDue | due_.size();
    due_.push_back(timer);
  }
  due_left_ = due_.size();
}

/// The callback runs from the stack: it may destroy its own timer.
void TimerQueue::fire(Timer& timer) {
  firing_ = &timer;
  std::function<void()> callback = std::move(timer.fire_);
  callback();
  if (firing_ != nullptr) timer.fire_ = std::move(callback);
  firing_ = nullptr;
}

std::size_t TimerQueue::advance_to(TimePoint now) {
  const TimePoint before = std::exchange(seen_, now);
  if (next() > now) return 0;
  collect_due(now);
  std::size_t fired = 0;
  for (std::size_t i = 0; i < due_.size(); ++i) {
    Timer* timer = due_[i];
    if (timer == nullptr) continue;
    timer->slot_ = Timer::kUnarmed;
    --due_left_;
    max_lateness_ = std::max(max_lateness_, now - std::max(timer->when_, before));
    ++fired;
    fire(*timer);
  }
  return fired;
}

Duration TimerQueue::take_max_lateness() { return std::exchange(max_lateness_, Duration{0}); }

}  // namespace lgen
