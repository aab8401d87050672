// Waits without a thread: one pause at a time, on gRPC's own timer.
//
// *Thread:* `start` from one thread at a time; `cancel` from any. `then` runs on a thread of gRPC.
// *Lifetime:* outlives the pause it has started: whoever owns it must not go before `then` has run.
#pragma once

#include <grpcpp/alarm.h>

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>

namespace lgen::server {

class Delay {
 public:
  // Calls `then(true)` after `duration`, or `then(false)` as soon as `cancel` is, or has been, called.
  void start(std::chrono::nanoseconds duration, std::function<void(bool)> then);
  void cancel();

 private:
  std::mutex mutex_;
  bool cancelled_ = false;
  std::optional<grpc::Alarm> alarm_;
};

}  // namespace lgen::server
