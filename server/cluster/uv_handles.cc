#include "uv_handles.h"

#include <string>
#include <utility>

#include "error.h"

namespace lgen::cluster {

namespace {

void check(int result, const char* what) {
  if (result < 0) throw ClusterError(std::string(what) + ": " + uv_strerror(result));
}

// The function stays in the state until libuv is done with the handle: it may be the one that is running.
template <class State, class Handle>
void close_later(State* state, Handle* handle) {
  handle->data = state;
  uv_close(reinterpret_cast<uv_handle_t*>(handle), [](uv_handle_t* h) { delete static_cast<State*>(h->data); });
}

}  // namespace

struct Timer::State {
  uv_timer_t handle;
  std::function<void()> fire;
};

Timer::Timer(uv_loop_t* loop) : state_(new State) {
  uv_timer_init(loop, &state_->handle);
  state_->handle.data = state_;
}

Timer::~Timer() { close_later(state_, &state_->handle); }

void Timer::start(std::chrono::milliseconds delay, std::function<void()> fire) {
  state_->fire = std::move(fire);
  const auto run = [](uv_timer_t* handle) {
    const auto once = std::exchange(static_cast<State*>(handle->data)->fire, nullptr);
    once();
  };
  uv_update_time(state_->handle.loop);
  uv_timer_start(&state_->handle, run, static_cast<std::uint64_t>(delay.count()), 0);
}

void Timer::stop() { uv_timer_stop(&state_->handle); }

struct FdWatch::State {
  uv_poll_t handle;
  std::function<void()> ready;
};

FdWatch::FdWatch(uv_loop_t* loop, int fd, int events, std::function<void()> ready)
    : state_(new State{{}, std::move(ready)}) {
  check(uv_poll_init(loop, &state_->handle, fd), "cannot watch a descriptor");
  state_->handle.data = state_;
  // An error of the descriptor (a refused connection) reaches the function too: it asks the descriptor itself.
  const auto run = [](uv_poll_t* handle, int, int) { static_cast<State*>(handle->data)->ready(); };
  check(uv_poll_start(&state_->handle, events, run), "cannot watch a descriptor");
}

FdWatch::~FdWatch() { close_later(state_, &state_->handle); }

struct SignalWatch::State {
  uv_signal_t handle;
  std::function<void()> caught;
};

SignalWatch::SignalWatch(uv_loop_t* loop, int signal_number, std::function<void()> caught)
    : state_(new State{{}, std::move(caught)}) {
  check(uv_signal_init(loop, &state_->handle), "cannot watch a signal");
  state_->handle.data = state_;
  const auto run = [](uv_signal_t* handle, int) { static_cast<State*>(handle->data)->caught(); };
  check(uv_signal_start(&state_->handle, run, signal_number), "cannot watch a signal");
}

SignalWatch::~SignalWatch() { close_later(state_, &state_->handle); }

}  // namespace lgen::cluster
