#include "vu_pool.h"

#include <algorithm>

namespace lgen {

using State = PooledVu::State;

VuPool::VuPool(Loop& loop, MakeVu make, Hooks hooks) : loop_(loop), make_(std::move(make)), hooks_(std::move(hooks)) {}

bool VuPool::grow() {
  if (size_ == places_.size()) places_.emplace_back().index = size_;
  PooledVu& vu = places_[size_];
  if (vu.state != State::absent) return false;
  ++size_;
  ++alive_;
  vu.iterations = 0;
  vu.leaving = vu.cancelled = false;
  vu.vu = make_(vu.index);
  vu.state = State::beginning;
  vu.op = vu.vu->begin([this, &vu](IterationEnd end) { begun(vu, end); });
  if (!vu.op) become_idle(vu);
  return true;
}

void VuPool::shrink(TimePoint leave_by) {
  PooledVu& vu = places_[--size_];
  if (vu.state != State::absent) retire(vu, leave_by);
}

PooledVu* VuPool::take_idle() {
  while (!idle_.empty()) {
    PooledVu* vu = idle_.front();
    idle_.pop_front();
    if (vu->state == State::idle && !vu->leaving) return vu;
  }
  return nullptr;
}

std::uint64_t VuPool::idle() const {
  return static_cast<std::uint64_t>(std::count_if(
      idle_.begin(), idle_.end(), [](const PooledVu* vu) { return vu->state == State::idle && !vu->leaving; }));
}

void VuPool::start(PooledVu& vu, const Iteration& iteration) {
  vu.state = State::busy;
  ++vu.iterations;
  vu.op = vu.vu->start(iteration, [this, &vu](IterationEnd end) { iteration_over(vu, end); });
}

void VuPool::retire(PooledVu& vu, TimePoint leave_by) {
  if (vu.leaving) return;
  vu.leaving = true;
  vu.leave_by = leave_by;
  if (vu.state == State::idle) {
    settling_.push_back(&vu);
    hooks_.changed();
  } else {
    set_deadline(vu, std::min(leave_by, cap_));
    vu.vu->ask_to_stop();
  }
}

void VuPool::cap(TimePoint leave_by) {
  cap_ = std::min(cap_, leave_by);
  for (PooledVu& vu : places_) {
    if (vu.deadline != kNever && !vu.cancelled && vu.deadline > cap_) set_deadline(vu, cap_);
  }
}

bool VuPool::settle() {
  if (settling_.empty()) return false;
  PooledVu& vu = *settling_.front();
  settling_.pop_front();
  if (vu.state == State::idle) {
    end(vu);
  } else {
    vu.op.reset();
    vu.vu.reset();
    vu.state = State::absent;
    --alive_;
  }
  return true;
}

bool VuPool::enforce(TimePoint now) {
  if (deadlines_.empty() || deadlines_.begin()->first > now) return false;
  PooledVu& vu = places_[deadlines_.begin()->second];
  if (vu.cancelled) {
    give_up(vu);
  } else {
    vu.cancelled = true;
    set_deadline(vu, now + kCancelTime);
    vu.op.cancel();
  }
  return true;
}

TimePoint VuPool::next_deadline() const { return deadlines_.empty() ? kNever : deadlines_.begin()->first; }

void VuPool::begun(PooledVu& vu, IterationEnd end) {
  if (end == IterationEnd::succeeded) return become_idle(vu);
  if (!vu.cancelled) hooks_.failed(vu, "begin");
  become_gone(vu);
}

void VuPool::iteration_over(PooledVu& vu, IterationEnd end) {
  become_idle(vu);
  hooks_.iteration_over(vu, end);
}

void VuPool::ended(PooledVu& vu, IterationEnd end) {
  if (end != IterationEnd::succeeded && !vu.cancelled) hooks_.failed(vu, "end");
  become_gone(vu);
}

/// The completed Op is kept until the next step replaces it: we may be inside its completion.
void VuPool::become_idle(PooledVu& vu) {
  set_deadline(vu, kNever);
  vu.state = State::idle;
  vu.free_since = loop_.precise_now();
  (vu.leaving ? settling_ : idle_).push_back(&vu);
  hooks_.changed();
}

void VuPool::become_gone(PooledVu& vu) {
  set_deadline(vu, kNever);
  vu.state = State::gone;
  settling_.push_back(&vu);
  hooks_.changed();
}

void VuPool::end(PooledVu& vu) {
  vu.state = State::ending;
  vu.cancelled = false;
  set_deadline(vu, std::max(std::min(vu.leave_by, cap_), loop_.now() + kCancelTime));
  vu.op = vu.vu->end([this, &vu](IterationEnd end) { ended(vu, end); });
  if (!vu.op) become_gone(vu);
}

/// Dropping the Op keeps its completion from ever coming. The VU was left in the middle of something: no end().
void VuPool::give_up(PooledVu& vu) {
  const bool iterating = vu.state == State::busy;
  vu.op.reset();
  become_gone(vu);
  if (iterating) hooks_.iteration_over(vu, IterationEnd::cancelled);
}

void VuPool::set_deadline(PooledVu& vu, TimePoint when) {
  if (vu.deadline != kNever) deadlines_.erase({vu.deadline, vu.index});
  vu.deadline = when;
  if (when != kNever) deadlines_.insert({when, vu.index});
}

}  // namespace lgen
