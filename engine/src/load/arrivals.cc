#include "arrivals.h"

#include <utility>

namespace lgen {

Arrivals::Arrivals(Due due, std::optional<Duration> backlog)
    : due_(std::move(due)), backlog_(backlog), due_at_(due_(0)) {}

std::optional<Duration> Arrivals::next_event(Duration at) const {
  if (!due_at_ || *due_at_ > at) return due_at_;
  if (backlog_ && !overdue(at)) return *due_at_ + *backlog_;
  return std::nullopt;
}

Duration Arrivals::take() {
  const Duration due = *due_at_;
  due_at_ = due_(++next_);
  return due;
}

std::uint64_t Arrivals::abandon(Duration at, std::optional<std::uint64_t> total) {
  std::uint64_t left = 0;
  if (!backlog_) {
    left = total ? *total - next_ : 0;
  } else {
    for (; ready(at); ++left) take();
  }
  due_at_.reset();
  return left;
}

}  // namespace lgen
