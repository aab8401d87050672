// The signals a loop listens to: one uv_signal handle each.
// Thread: the loop's.
// Lifetime: the uv loop runs once more after clear(), so that libuv lets the handles go.
#pragma once

#include <uv.h>

#include <cstddef>
#include <functional>
#include <map>

namespace lgen {

class Signals {
 public:
  explicit Signals(uv_loop_t* loop) : loop_(loop) {}

  /// An empty handler gives the signal back to the system.
  void set(int signum, std::function<void(int)> handler);
  void clear();

 private:
  struct Handle {
    uv_signal_t uv{};
    std::function<void(int)> handler;
  };
  void release(Handle* handle);

  uv_loop_t* loop_;
  std::map<int, Handle*> handles_;  // freed by libuv's close callback
};

}  // namespace lgen
