// One wait for a channel to become READY.
// Thread: the loop's.
// Lifetime: deleted when its Op is dropped; its channel tells it when it goes away itself.
#pragma once

#include <functional>
#include <optional>

#include "lgen/error.h"
#include "lgen/grpc.h"
#include "lgen/loop.h"
#include "lgen/op.h"

namespace lgen {

class WaitReady;

/// The channel that is waited for.
class WaitReadyHost {
 public:
  virtual void stop_waiting(WaitReady& waiter) = 0;
  /// Why it is not, as far as known.
  virtual Error not_ready() const = 0;

 protected:
  ~WaitReadyHost() = default;
};

class WaitReady final : public Operation {
 public:
  WaitReady(Loop& loop, WaitReadyHost& channel, Deadline deadline, std::function<void(Outcome)> done);

  void cancel() noexcept override { finish_later(make_error(ErrorCode::cancelled, "waiting was cancelled")); }
  void drop() noexcept override;
  /// Completes in a later turn, or later in this one.
  void finish_later(Outcome outcome);
  /// The channel is being destroyed.
  void orphan();

 private:
  void finish();

  Loop& loop_;
  WaitReadyHost* channel_;
  std::function<void(Outcome)> done_;
  std::optional<Outcome> outcome_;  // unset: still waiting
  bool finishing_ = false;
  bool dropped_ = false;
  Timer timer_;
};

}  // namespace lgen
