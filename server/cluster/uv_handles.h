// libuv's timer, descriptor watch and signal as objects: made to run a function, stopped by destruction.
//
// *Thread:* the loop's. *Lifetime:* an object may be destroyed inside its own function; libuv's half of it lives until
// the loop has run its close callback, so run the loop once more before closing it.
#pragma once

#include <uv.h>

#include <chrono>
#include <functional>

namespace lgen::cluster {

class Timer {
 public:
  explicit Timer(uv_loop_t* loop);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Runs `fire` once after `delay`; a timer already set is set anew.
  void start(std::chrono::milliseconds delay, std::function<void()> fire);
  void stop();

 private:
  struct State;
  State* state_;
};

class FdWatch {
 public:
  // Runs `ready` whenever `fd` has one of `events` (UV_READABLE, UV_WRITABLE). Destroy the watch before closing `fd`.
  FdWatch(uv_loop_t* loop, int fd, int events, std::function<void()> ready);
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

 private:
  struct State;
  State* state_;
};

class SignalWatch {
 public:
  SignalWatch(uv_loop_t* loop, int signal_number, std::function<void()> caught);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  struct State;
  State* state_;
};

}  // namespace lgen::cluster
