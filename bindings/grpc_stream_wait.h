// One task that waits on a stream: for room, for a message, for its end, for its backend.
// Thread: the loop's.
// Lifetime: kept and used again (GrpcState::waits); busy from begin() to finish(). The stream lives as long, because
// the waiting coroutine holds its handle.
#pragma once

#include <lua.hpp>
#include <memory>
#include <optional>
#include <string>

#include "field_path.h"
#include "lgen/loop.h"
#include "lgen/time.h"
#include "task.h"
#include "vu_lua.h"

namespace lgen::lua {

class LuaStream;

class StreamWait final : public Waiter, private LuaVu::StopListener {
 public:
  enum class For {
    room,     // s:send while the buffer is full
    message,  // s:recv
    next,     // for msg in s:messages(): ends when the VU is told to stop
    end,      // s:close
    status,   // s:send on a stream whose end is on its way
    backend,  // s:backend
  };

  explicit StreamWait(Host& host) : host_(host) {}

  /// Returns what the binding has to return.
  int begin(lua_State* L, Task& task, LuaStream& stream, For what, std::optional<Duration> timeout);
  /// The stream has taken this wait off its list; `results` values are on the task's stack.
  void finish(int results);
  void interrupt() noexcept override { give_up(); }

  For what() const { return what_; }
  Task& task() const { return *task_; }
  Duration timeout() const { return timeout_; }

  // For::room: what is to be sent, since when, and by what its answer will be known.
  std::string message;
  TimePoint intended;
  bool paced = false;  // it had a time of its own
  FieldValue key;

 private:
  void vu_stopping() noexcept override { give_up(); }
  void give_up() noexcept;
  void timed_out();

  Host& host_;
  Task* task_ = nullptr;
  LuaStream* stream_ = nullptr;
  For what_ = For::message;
  Duration timeout_{0};
  std::unique_ptr<Timer> timer_;
};

}  // namespace lgen::lua
