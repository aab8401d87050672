// The turned-round loop's poll: blocks in gRPC's completion queue and completes what comes out of it.
// Thread: the loop's.
// Lifetime: destroying it shuts the queue down and waits for every operation still in it.
#pragma once

#include <grpcpp/completion_queue.h>

#include <cstddef>
#include <functional>
#include <vector>

#include "lgen/time.h"
#include "waker.h"

namespace lgen {

class CompletionPoller {
 public:
  explicit CompletionPoller(int uv_backend_fd);
  ~CompletionPoller();

  grpc::CompletionQueue& queue() { return queue_; }

  /// Completes what is ready, at most kBatch operations, or kPortion of them when there is work in `posted`. Returns
  /// how many.
  std::size_t drain(const std::vector<std::function<void()>>& posted);
  /// Blocks until an operation is complete, libuv has something to do or `deadline` is past (gRPC rounds it up to
  /// milliseconds: a safety net only). Returns the tag to be completed, nullptr without one.
  CqTag* wait(TimePoint deadline, bool& ok);
  /// Whether wait() can be called without asking the queue first: the waker is watching.
  bool waker_armed() const { return waker_.armed(); }
  void arm_waker() { waker_.arm(); }

 private:
  static constexpr std::size_t kBatch = 256;  // then timers and libuv get their turn
  // What completions have asked for, most often the next calls, is done while their memory is still in the cache: with
  // 64 calls in flight that makes 6 % of a call's CPU time. Not less, because a turn has a price, too.
  static constexpr std::size_t kPortion = 16;

  grpc::CompletionQueue queue_;
  Waker waker_;
};

}  // namespace lgen
