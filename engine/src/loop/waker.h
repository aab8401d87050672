// Wakes a loop that is blocked in gRPC's completion queue as soon as libuv has something to do.
// gRPC rounds the deadline of a blocking call up to whole milliseconds and knows nothing of our descriptors, so a
// thread waits on libuv's own epoll descriptor and, once, puts an alarm into the completion queue.
// Thread: arm() and disarmed() belong to the loop's thread; the waiting thread is private.
// Lifetime: stop() before its completion queue is shut down, destroyed after the queue is drained (its alarm may be in
// there).
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>

#include <thread>

#include "loop_internal.h"

namespace lgen {

class Waker final : private CqTag {
 public:
  Waker(int backend_fd, grpc::CompletionQueue& queue);
  ~Waker();

  /// Ends the thread: no further alarm.
  void stop();
  /// True from arm() until the alarm has come out of the completion queue.
  bool armed() const { return armed_; }
  /// Level triggered: what is ready already wakes at once.
  void arm();

 private:
  void complete(bool) override { armed_ = false; }
  void wait();
  void watch(int operation, int fd, unsigned events);

  grpc::CompletionQueue& queue_;
  grpc::Alarm alarm_;
  int backend_fd_;
  int epoll_fd_;
  int quit_fd_;
  bool armed_ = false;
  std::thread thread_;
};

}  // namespace lgen
