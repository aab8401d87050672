// What the loop shows to the layers that do their own I/O on it (net, cluster): libuv, gRPC's completion queue, and the
// count of what is open.
// Thread: the loop's.
#pragma once

#include <grpcpp/completion_queue.h>
#include <uv.h>

#include <memory>

#include "lgen/loop.h"

namespace lgen {

/// What waits in the completion queue: the tag of an operation is a CqTag*, as a void*.
class CqTag {
 public:
  virtual void complete(bool ok) = 0;

 protected:
  ~CqTag() = default;
};

/// The tag of an operation started through gRPC's C surface: the C++ queue insists on finalizing what it returns.
class CoreTag : public grpc::internal::CompletionQueueTag, public CqTag {
 public:
  bool FinalizeResult(void** tag, bool*) final {
    *tag = static_cast<CqTag*>(this);
    return true;
  }
  /// What the C surface wants as a tag.
  void* as_core_tag() { return static_cast<grpc::internal::CompletionQueueTag*>(this); }
};

uv_loop_t* uv(Loop& loop);

/// First in every callback of libuv's that runs code of any length: the loop has stopped waiting (Health).
void note_awake(uv_loop_t* uv);

/// The one completion queue. The first call turns the loop round: from then on it blocks in this queue.
grpc::CompletionQueue& completion_queue(Loop& loop);

bool has_completion_queue(Loop& loop);

/// A place for what all connections of a loop share; kept alive by them, not by the loop.
std::weak_ptr<void>& shared_slot(Loop& loop);

/// Tells open_handles() of `count` more (or, negative, fewer) operations that are neither timers nor libuv handles.
void count_open(Loop& loop, int count);

}  // namespace lgen
