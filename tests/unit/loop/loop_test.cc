#include "lgen/loop.h"

#include <signal.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "catch.h"
#include "loop_internal.h"

using namespace std::chrono_literals;
using lgen::Duration;
using lgen::Loop;
using lgen::ManualClock;
using lgen::RealClock;
using lgen::TimePoint;
using lgen::Timer;

namespace {

/// Every contract holds in both modes: libuv alone, and turned round into gRPC's completion queue.
void for_both_modes(const std::function<void(Loop&)>& check) {
  for (const bool turned_round : {false, true}) {
    INFO((turned_round ? "with a completion queue" : "libuv alone"));
    RealClock clock;
    Loop loop(clock);
    if (turned_round) lgen::completion_queue(loop);
    check(loop);
    CHECK(loop.open_handles() == 0);
  }
}

}  // namespace

TEST_CASE("a manual clock jumps from timer to timer") {
  for (const bool turned_round : {false, true}) {
    ManualClock clock;
    Loop loop(clock);
    if (turned_round) lgen::completion_queue(loop);
    std::vector<Duration> seen;
    Timer* next = nullptr;
    Timer timer(loop, [&] {
      seen.push_back(loop.now().time_since_epoch());
      if (seen.size() < 3) next->arm(loop.now() + 1h);
    });
    next = &timer;
    timer.arm(TimePoint{} + 24h);
    loop.run_until([&] { return seen.size() == 3; });
    CHECK(seen == std::vector<Duration>{24h, 25h, 26h});
  }
}

TEST_CASE("a manual clock does not jump past work that is ready") {
  ManualClock clock;
  Loop loop(clock);
  std::string order;
  Timer timer(loop, [&] { order += 't'; });
  timer.arm(TimePoint{} + 1s);
  loop.post([&] {
    order += 'a';
    loop.post([&] { order += loop.now() == TimePoint{} ? 'b' : 'x'; });
  });
  loop.run_until([&] { return order.size() == 3; });
  CHECK(order == "abt");
}

TEST_CASE("real timers fire in order, never early") {
  for_both_modes([](Loop& loop) {
    std::string fired;
    bool early = false;
    const TimePoint start = loop.precise_now();
    Timer a(loop, [&] { fired += 'a', early = early || loop.precise_now() < start + 3ms; });
    Timer b(loop, [&] { fired += 'b', early = early || loop.precise_now() < start + 1ms; });
    Timer past(loop, [&] { fired += 'p'; });
    a.arm(start + 3ms);
    b.arm(start + 1ms);
    past.arm(start - 1s);
    CHECK(loop.open_handles() == 3);
    CHECK(fired.empty());
    loop.run_until([&] { return fired.size() == 3; });
    CHECK(fired == "pba");
    CHECK_FALSE(early);
  });
}

TEST_CASE("posted tasks run in order, and never inside post") {
  for_both_modes([](Loop& loop) {
    std::string order;
    loop.post([&] {
      loop.post([&] { order += 'c'; });
      order += 'a';
    });
    loop.post([&] { order += 'b'; });
    CHECK(order.empty());
    loop.run_until([&] { return order.size() == 3; });
    CHECK(order == "abc");
  });
}

TEST_CASE("another thread wakes a loop that has nothing to do") {
  for_both_modes([](Loop& loop) {
    int count = 0;
    std::thread other([&] {
      for (int i = 0; i < 100; ++i) {
        std::atomic<bool> ran = false;
        loop.wake([&] {
          ++count;
          ran = true;
          ran.notify_one();
        });
        ran.wait(false);  // so that the loop is asleep again each time
      }
    });
    loop.run_until([&] { return count == 100; });
    other.join();
    CHECK(count == 100);
  });
}

TEST_CASE("a descriptor given to libuv inside a callback is watched although nothing else wakes the loop") {
  for_both_modes([](Loop& loop) {
    struct Work {
      uv_work_t request{};
      bool done = false;
    } work;
    work.request.data = &work;
    loop.post([&] {
      uv_queue_work(
          lgen::uv(loop), &work.request, [](uv_work_t*) {},
          [](uv_work_t* request, int) { static_cast<Work*>(request->data)->done = true; });
    });
    loop.run_until([&] { return work.done; });
    CHECK(work.done);
  });
}

TEST_CASE("signals reach their handler until it is taken away") {
  for_both_modes([](Loop& loop) {
    std::vector<int> seen;
    loop.on_signal(SIGUSR1, [&](int signum) { seen.push_back(signum); });
    CHECK(loop.open_handles() == 1);
    ::raise(SIGUSR1);
    loop.run_until([&] { return seen.size() == 1; });
    loop.on_signal(SIGUSR1, [&](int signum) { seen.push_back(-signum); });
    ::raise(SIGUSR1);
    loop.run_until([&] { return seen.size() == 2; });
    CHECK(seen == std::vector<int>{SIGUSR1, -SIGUSR1});
    loop.on_signal(SIGUSR1, nullptr);
  });
}

TEST_CASE("hooks run at the end of every turn, after the tasks, and once before the first, until removed") {
  for_both_modes([](Loop& loop) {
    std::string order;
    const auto id = loop.add_turn_hook([&] { order += 'h'; });
    for (int i = 0; i < 2; ++i) {
      bool ran = false;
      loop.post([&] {
        order += 't';
        ran = true;
      });
      loop.run_until([&] { return ran; });
    }
    loop.remove_turn_hook(id);
    bool ran = false;
    loop.post([&] { ran = true; });
    loop.run_until([&] { return ran; });
    CHECK(order == "hthhth");
  });
}

TEST_CASE("stop ends run, and the loop can run again") {
  for_both_modes([](Loop& loop) {
    int runs = 0;
    for (int i = 0; i < 2; ++i) {
      loop.post([&] {
        ++runs;
        loop.stop();
      });
      loop.run();
    }
    CHECK(runs == 2);
  });
}

TEST_CASE("every turn is counted and its slice told") {
  for_both_modes([](Loop& loop) {
    Duration sum{0};
    int slices = 0;
    loop.on_slice([&](Duration slice) {
      sum += slice;
      ++slices;
    });
    const auto before = loop.turns();
    Timer timer(loop, [] {});
    timer.arm(loop.precise_now() + 2ms);
    loop.run_until([&] { return !timer.armed(); });
    CHECK(loop.turns() - before == static_cast<std::uint64_t>(slices));
    const Loop::Health health = loop.take_health();
    CHECK(health.total_busy >= sum);
    CHECK(health.max_slice <= health.total_busy);
    CHECK(loop.take_health().total_busy == Duration{0});
    loop.on_slice(nullptr);
  });
}

TEST_CASE("spinning for the last millisecond fires the same timers") {
  for_both_modes([](Loop& loop) {
    loop.set_precise(true);
    const TimePoint due = loop.precise_now() + 3ms;
    TimePoint fired{};
    Timer timer(loop, [&] { fired = loop.precise_now(); });
    timer.arm(due);
    loop.run_until([&] { return !timer.armed(); });
    CHECK(fired >= due);
  });
}

TEST_CASE("a loop that is idle does not turn") {
  for_both_modes([](Loop& loop) {
    Timer settle(loop, [] {});
    settle.arm(loop.precise_now() + 1ms);
    loop.run_until([&] { return !settle.armed(); });
    const auto before = loop.turns();
    Timer timer(loop, [] {});
    timer.arm(loop.precise_now() + 50ms);
    loop.run_until([&] { return !timer.armed(); });
    CHECK(loop.turns() - before < 10);  // one to block, one to wake; a spare one for a stale wake-up
  });
}
