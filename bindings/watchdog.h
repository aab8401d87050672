// Catches a plan that never yields: warns with file:line, then ends the coroutine with an error, then, when even that
// is not possible (a C function that hangs), hands over to whoever ends the process.
// Thread: enter(), leave() and settle() on the loop's thread; a thread of its own looks at the marks they leave.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <lua.hpp>
#include <memory>
#include <string>

#include "lgen/time.h"

namespace lgen::lua {

class Watchdog {
 public:
  struct Limits {
    Duration warn = std::chrono::milliseconds(50);
    Duration raise = std::chrono::seconds(5);    // the coroutine is ended by an error
    Duration give_up = std::chrono::seconds(5);  // after `raise`: the process is ended
  };

  /// `stuck_for_good`: called on the watchdog's thread when the loop's thread sits in a C function and cannot be freed.
  /// Should the C function return meanwhile, the plan stops at its next instruction. It must not return.
  Watchdog(lua_State* L, Limits limits, std::function<void(const std::string& why)> stuck_for_good);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Around every stretch of plan code. A few nanoseconds, and a system call after a while without plan code.
  void enter() {
    slice_.store(++slices_, std::memory_order_relaxed);
    if (asleep_.load(std::memory_order_relaxed)) [[unlikely]] {
      rouse();
    }
  }
  void leave() { slice_.store(0, std::memory_order_release); }

  /// After leave(): the stretch was interfered with, settle() must be called before any other.
  bool has_meddled() const { return meddled_.load(std::memory_order_relaxed); }
  /// Lets plan code run at full speed again. "plans/x.lua:12: ... it never yields" when the stretch was ended by force,
  /// "" when it ended by itself just in time.
  std::string settle();

 private:
  struct Impl;
  void rouse();

  std::atomic<std::uint64_t> slice_{0};  // number of the stretch now running, 0 between them
  std::atomic<bool> meddled_{false};
  std::atomic<bool> asleep_{false};  // the thread looks seldom
  std::uint64_t slices_ = 0;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lgen::lua
