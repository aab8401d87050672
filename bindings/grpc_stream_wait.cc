#include "grpc_stream_wait.h"

#include <utility>

#include "grpc_stream.h"
#include "host.h"
#include "mod_grpc.h"

namespace lgen::lua {

int StreamWait::begin(lua_State* L, Task& task, LuaStream& stream, For what, std::optional<Duration> timeout) {
  task_ = &task;
  stream_ = &stream;
  what_ = what;
  if (timeout) {
    timeout_ = *timeout;
    if (!timer_) timer_ = std::make_unique<Timer>(host_.loop, [this] { timed_out(); });
    timer_->arm(later(host_.loop.precise_now(), *timeout));
  }
  if (what == For::next && task.vu()) task.vu()->listen(*this);
  return task.await(L, *this);
}

void StreamWait::finish(int results) {
  Task& task = *std::exchange(task_, nullptr);
  stream_ = nullptr;
  if (timer_) timer_->disarm();
  if (what_ == For::next && task.vu()) task.vu()->unlisten(*this);
  host_.grpc->waits.give(*this);
  task.wake([results](lua_State*) { return results; });
}

/// The task is cancelled, or its loop is to end: off the stream's list now, on with the task later in this turn.
void StreamWait::give_up() noexcept {
  if (!stream_) return;
  std::exchange(stream_, nullptr)->forget(*this);
  if (timer_) timer_->disarm();
  host_.loop.post([this] { finish(0); });
}

void StreamWait::timed_out() {
  stream_->forget(*this);
  finish(stream_->push_timeout(task_->co(), *this));
}

}  // namespace lgen::lua
