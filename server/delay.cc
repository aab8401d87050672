#include "delay.h"

#include <utility>

namespace lgen::server {

void Delay::start(std::chrono::nanoseconds duration, std::function<void(bool)> then) {
  {
    const std::lock_guard lock(mutex_);
    if (!cancelled_) {
      const auto due =
          std::chrono::system_clock::now() + std::chrono::duration_cast<std::chrono::system_clock::duration>(duration);
      // A new alarm each time: an alarm whose callback still runs must not be set again.
      alarm_.emplace().Set(due, std::move(then));
      return;
    }
  }
  then(false);
}

void Delay::cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  if (alarm_) alarm_->Cancel();
}

}  // namespace lgen::server
