// What every test on a real loop needs: the loop, and patience.
// Thread: the test's.
#pragma once

#include <absl/synchronization/mutex.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>

#include "catch.h"
#include "loop_internal.h"

namespace lgen::test {

[[maybe_unused]] inline const bool kNoDeadlockDetector = [] {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return true;
}();

/// How long to wait for what must happen: never waited out. LGEN_TEST_PATIENCE multiplies it, for builds that a
/// sanitizer slows down.
inline const Duration kPatience = [] {
  const char* times = std::getenv("LGEN_TEST_PATIENCE");
  return std::chrono::seconds(20) * (times != nullptr ? std::max(1, std::atoi(times)) : 1);
}();

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
