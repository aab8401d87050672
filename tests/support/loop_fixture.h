// What every test on a real loop needs: the loop, and patience.
// Thread: the test's.
#pragma once

#include <absl/synchronization/mutex.h>

#include <functional>

#include "catch.h"
#include "loop_internal.h"

namespace lgen::test {

[[maybe_unused]] inline const bool kNoDeadlockDetector = [] {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return true;
}();

inline constexpr Duration kPatience = std::chrono::seconds(20);  // for what must happen; never waited out

class LoopFixture {
 public:
  /// `inverted`: the loop blocks in gRPC's completion queue.
  explicit LoopFixture(bool inverted) {
    if (inverted) completion_queue(loop);
  }

  void until(const std::function<bool()>& done) {
    if (done()) return;
    bool late = false;
    Timer patience(loop, [&] { late = true; });
    patience.arm(loop.precise_now() + kPatience);
    loop.run_until([&] { return late || done(); });
    if (!done()) FAIL("it did not happen");
  }

  RealClock clock;
  Loop loop{clock};
};

}  // namespace lgen::test
