// The loop's inside: one libuv loop, the timers, the tasks, and gRPC's completion queue once it is wanted.
// Thread: the loop's; `woken` alone is shared, under its mutex.
#pragma once

#include <uv.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "completion_poller.h"
#include "lgen/loop.h"
#include "signals.h"
#include "timer_fd.h"
#include "timer_queue.h"

namespace lgen {

struct Loop::Internals {
  explicit Internals(Clock& loop_clock);
  ~Internals();
  Internals(const Internals&) = delete;
  Internals& operator=(const Internals&) = delete;

  // One turn: wait, complete what is ready, fire timers, run tasks, call hooks.
  void turn();
  void poll();
  void poll_uv(bool block);
  void poll_completions(bool block);
  bool may_block();
  void jump();
  TimePoint wake_time();
  void run_posted();
  void run_hooks();
  void account(TimePoint end);
  /// The poll has brought something: the slice begins.
  void wake_up() {
    if (!std::exchange(awake, true)) slice_start = Monotonic::now();
  }

  void take_woken();
  TimePoint turn_time();
  std::size_t foreign_handles() const;

  Clock& clock;
  const bool manual;  // the clock is advanced by us
  uv_loop_t uv{};
  uv_async_t async{};
  TimerFd timer_fd;
  TimerQueue timers;
  Signals signals{&uv};
  std::unique_ptr<CompletionPoller> completions;  // set: the loop is turned round

  std::vector<Task> posted;
  std::vector<Task> running;  // the batch of posted tasks being run; kept for its capacity
  std::mutex wake_mutex;
  std::vector<Task> woken;
  std::vector<std::pair<std::size_t, Task>> hooks;
  std::size_t next_hook = 1;

  std::weak_ptr<void> shared;  // of the connections on this loop

  bool stopped = false;
  bool precise = false;
  std::ptrdiff_t open_operations = 0;
  std::atomic<std::uint64_t> turns{0};

  TimePoint now{};        // this turn's time, valid when fresh
  bool fresh = false;     // read on first use, so that callbacks inside libuv's poll see their own turn
  TimePoint slice_start;  // real time, whatever the clock
  bool awake = true;      // false: in libuv's poll, and nothing has come yet
  Health health;
  std::function<void(Duration)> slice_listener;
};

}  // namespace lgen
