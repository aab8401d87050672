#include "wait_ready.h"

#include <utility>

namespace lgen {

WaitReady::WaitReady(Loop& loop, WaitReadyHost& channel, Deadline deadline, std::function<void(Outcome)> done)
    : loop_(loop), channel_(&channel), done_(std::move(done)), timer_(loop, [this] { finish(); }) {
  if (deadline != kNever) timer_.arm(deadline);
}

void WaitReady::finish_later(Outcome outcome) {
  if (outcome_ || channel_ == nullptr) return;
  outcome_ = std::move(outcome);
  timer_.arm(loop_.now());
}

void WaitReady::finish() {
  if (!outcome_) outcome_ = channel_->not_ready();
  if (channel_ != nullptr) std::exchange(channel_, nullptr)->stop_waiting(*this);
  finishing_ = true;
  done_(*outcome_);
  finishing_ = false;
  done_ = nullptr;
  if (dropped_) delete this;
}

void WaitReady::drop() noexcept {
  dropped_ = true;
  if (finishing_) return;
  if (channel_ != nullptr) channel_->stop_waiting(*this);
  delete this;
}

void WaitReady::orphan() {
  finish_later(make_error(ErrorCode::closed, "the channel was closed"));
  channel_ = nullptr;
}

}  // namespace lgen
