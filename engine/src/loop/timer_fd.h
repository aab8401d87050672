// One absolute timerfd inside a uv loop: makes the loop return from its poll at a nanosecond deadline.
// Thread: the loop's.
// Lifetime: open() once; close() before the uv loop is closed.
#pragma once

#include <uv.h>

#include "lgen/time.h"

namespace lgen {

class TimerFd {
 public:
  void open(uv_loop_t* loop);
  void close();
  /// Wakes the loop at `when` at the latest; the system is asked only when that is earlier than what is set already.
  void set(TimePoint when);
  /// The deadlines that came so far: the last one's time (zero without one).
  TimePoint last_fired() const { return last_fired_; }
  bool owns(const uv_handle_t* handle) const { return handle == reinterpret_cast<const uv_handle_t*>(&poll_); }

 private:
  static void on_readable(uv_poll_t* poll, int status, int events);

  int fd_ = -1;
  uv_poll_t poll_{};
  TimePoint set_ = kNever;
  TimePoint last_fired_{};
};

}  // namespace lgen
