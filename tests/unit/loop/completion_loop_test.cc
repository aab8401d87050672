#include <absl/synchronization/mutex.h>
#include <grpcpp/alarm.h>

#include <deque>
#include <memory>
#include <string>

#include "catch.h"
#include "loop_internal.h"

using namespace std::chrono_literals;
using lgen::Loop;
using lgen::RealClock;
using lgen::Timer;

namespace {

[[maybe_unused]] const bool kNoDeadlockDetector = [] {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return true;
}();

struct Alarm final : lgen::CqTag {
  explicit Alarm(std::function<void(bool)> done) : fire(std::move(done)) {}
  void complete(bool ok) override { fire(ok); }
  void set(Loop& loop) {
    alarm.Set(&lgen::completion_queue(loop), gpr_inf_past(GPR_CLOCK_REALTIME), static_cast<lgen::CqTag*>(this));
  }
  grpc::Alarm alarm;
  std::function<void(bool)> fire;
};

}  // namespace

TEST_CASE("completions, timers and tasks take turns on one thread") {
  RealClock clock;
  Loop loop(clock);
  int completions = 0;
  int ticks = 0;
  Alarm* again = nullptr;
  Alarm alarm([&](bool ok) {
    CHECK(ok);
    if (++completions < 2'000) again->set(loop);  // the queue is never empty
  });
  again = &alarm;
  Timer* tick = nullptr;
  Timer timer(loop, [&] {
    ++ticks;
    if (completions < 2'000) tick->arm(loop.now() + 100us);
  });
  tick = &timer;
  timer.arm(loop.precise_now());
  alarm.set(loop);
  loop.run_until([&] { return completions == 2'000 && !timer.armed(); });
  CHECK(ticks > 1);  // a busy queue starves nobody
}

TEST_CASE("the completion queue may appear in the middle of a run") {
  RealClock clock;
  Loop loop(clock);
  bool completed = false;
  Alarm alarm([&](bool) { completed = true; });
  Timer timer(loop, [&] { alarm.set(loop); });
  timer.arm(loop.precise_now() + 1ms);
  loop.run_until([&] { return completed; });
  CHECK(completed);
}

TEST_CASE("many completions at once are all delivered, across batches") {
  RealClock clock;
  Loop loop(clock);
  int completed = 0;
  std::deque<Alarm> alarms;
  for (int i = 0; i < 1'000; ++i) alarms.emplace_back([&](bool) { ++completed; });
  for (Alarm& alarm : alarms) alarm.set(loop);
  loop.run_until([&] { return completed == 1'000; });
  CHECK(completed == 1'000);
}

TEST_CASE("a loop destroyed with an operation in its queue completes it first") {
  bool completed = false;
  RealClock clock;
  auto loop = std::make_unique<Loop>(clock);
  Alarm alarm([&](bool) { completed = true; });
  alarm.set(*loop);
  loop.reset();
  CHECK(completed);
}
