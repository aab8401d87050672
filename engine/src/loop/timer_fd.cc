#include "timer_fd.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

namespace lgen {

void TimerFd::open(uv_loop_t* loop) {
  fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd_ < 0) throw std::runtime_error(std::string("the loop cannot have its timer: ") + std::strerror(errno));
  uv_poll_init(loop, &poll_, fd_);
  poll_.data = this;
  uv_poll_start(&poll_, UV_READABLE, on_readable);
}

void TimerFd::close() {
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_),
           [](uv_handle_t* handle) { ::close(static_cast<TimerFd*>(handle->data)->fd_); });
}

void TimerFd::set(TimePoint when) {
  // Deadlines mostly go before they come. One that is gone costs a needless turn when its time comes; to put the fd off
  // would cost a system call in every turn that ends the oldest of many calls.
  if (when >= set_) return;
  set_ = when;
  const std::int64_t ns = std::max<std::int64_t>(when.time_since_epoch().count(), 1);  // zero would disarm it
  itimerspec spec{};
  spec.it_value.tv_sec = ns / 1'000'000'000;
  spec.it_value.tv_nsec = ns % 1'000'000'000;
  timerfd_settime(fd_, TFD_TIMER_ABSTIME, &spec, nullptr);
}

void TimerFd::on_readable(uv_poll_t* poll, int, int) {
  auto* self = static_cast<TimerFd*>(poll->data);
  std::uint64_t expirations = 0;
  if (::read(self->fd_, &expirations, sizeof expirations) < 0) return;  // already read or set anew
  self->last_fired_ = self->set_;
  self->set_ = kNever;
}

}  // namespace lgen
