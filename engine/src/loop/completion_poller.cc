#include "completion_poller.h"

namespace lgen {
namespace {

/// gRPC's monotonic clock is CLOCK_MONOTONIC, as ours is.
gpr_timespec to_gpr(TimePoint when) {
  if (when == kNever) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  const auto ns = when.time_since_epoch().count();
  return {ns / 1'000'000'000, static_cast<int>(ns % 1'000'000'000), GPR_CLOCK_MONOTONIC};
}

}  // namespace

CompletionPoller::CompletionPoller(int uv_backend_fd) : waker_(uv_backend_fd, queue_) {}

CompletionPoller::~CompletionPoller() {
  waker_.stop();  // first, or its alarm could be set in a queue that is shut down
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
    if (tag != nullptr) static_cast<CqTag*>(tag)->complete(ok);
  }
}

std::size_t CompletionPoller::drain(const std::vector<std::function<void()>>& posted) {
  const gpr_timespec at_once = gpr_inf_past(GPR_CLOCK_MONOTONIC);  // gRPC converts any other time with four divisions
  void* tag = nullptr;
  bool ok = false;
  std::size_t count = 0;
  while (count < (posted.empty() ? kBatch : kPortion) &&
         queue_.AsyncNext(&tag, &ok, at_once) == grpc::CompletionQueue::GOT_EVENT) {
    static_cast<CqTag*>(tag)->complete(ok);
    ++count;
  }
  return count;
}

CqTag* CompletionPoller::wait(TimePoint deadline, bool& ok) {
  void* tag = nullptr;
  if (queue_.AsyncNext(&tag, &ok, to_gpr(deadline)) != grpc::CompletionQueue::GOT_EVENT) return nullptr;
  return static_cast<CqTag*>(tag);
}

}  // namespace lgen
