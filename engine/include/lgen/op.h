// The async contract, once for all: an operation completes exactly once, on the loop, never inside the call that
// started it; `cancel()` asks it to end early (it then completes as cancelled); dropping the Op cancels it and its
// completion is never delivered.
// Thread: the loop's.
// Lifetime: the Op owns the operation. It may be dropped at any time, also inside its own completion.
#pragma once

#include <utility>

namespace lgen {

/// What a transport or a timer implements; nobody else sees it.
class Operation {
 public:
  /// Ask to end early. Completion still follows, once. Harmless when already completed.
  virtual void cancel() noexcept = 0;
  /// The owner has let go: cancel if still running, never call back again, free yourself when the wire lets you.
  virtual void drop() noexcept = 0;

 protected:
  ~Operation() = default;
};

class [[nodiscard]] Op {
 public:
  Op() = default;
  explicit Op(Operation* operation) : operation_(operation) {}
  Op(Op&& other) noexcept : operation_(std::exchange(other.operation_, nullptr)) {}
  Op& operator=(Op&& other) noexcept {
    if (this != &other) {
      reset();
      operation_ = std::exchange(other.operation_, nullptr);
    }
    return *this;
  }
  ~Op() { reset(); }

  void cancel() noexcept {
    if (operation_) operation_->cancel();
  }
  void reset() noexcept {
    if (Operation* operation = std::exchange(operation_, nullptr)) operation->drop();
  }
  explicit operator bool() const { return operation_ != nullptr; }

 private:
  Operation* operation_ = nullptr;
};

}  // namespace lgen
