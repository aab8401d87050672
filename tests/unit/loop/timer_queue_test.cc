#include "timer_queue.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "catch.h"

using namespace std::chrono_literals;
using lgen::Duration;
using lgen::kNever;
using lgen::TimePoint;
using lgen::Timer;
using lgen::TimerQueue;

namespace {

TimePoint at(Duration d) { return TimePoint{} + d; }

/// Timers 'a', 'b', ... that write their letter when they fire.
struct Bench {
  TimerQueue queue;
  std::string fired;
  std::deque<Timer> timers;

  explicit Bench(int count) {
    for (int i = 0; i < count; ++i) timers.emplace_back(queue, [this, i] { fired += static_cast<char>('a' + i); });
  }
};

}  // namespace

TEST_CASE("timers fire by deadline, and in the order of arming where deadlines are equal") {
  struct Row {
    const char* scenario;
    std::vector<Duration> deadlines;
    Duration now;
    const char* fired;
    Duration next;
  };
  const std::vector<Row> rows = {
      {"nothing is due before the first deadline", {5ns, 9ns}, 4ns, "", 5ns},
      {"a deadline that is exactly now is due", {5ns, 9ns}, 5ns, "a", 9ns},
      {"the order of arming does not matter", {9ns, 5ns, 7ns}, 9ns, "bca", Duration::max()},
      {"equal deadlines keep the order of arming", {5ns, 5ns, 5ns, 5ns, 5ns, 5ns}, 5ns, "abcdef", Duration::max()},
      {"a nanosecond makes the difference", {1'000'000'001ns, 1'000'000'000ns}, 1s, "b", 1'000'000'001ns},
  };
  for (const Row& row : rows) {
    INFO(row.scenario);
    Bench bench(static_cast<int>(row.deadlines.size()));
    for (std::size_t i = 0; i < row.deadlines.size(); ++i) bench.timers[i].arm(at(row.deadlines[i]));
    CHECK(bench.queue.advance_to(at(row.now)) == std::string(row.fired).size());
    CHECK(bench.fired == row.fired);
    CHECK(bench.queue.next().time_since_epoch() == row.next);
    CHECK(bench.queue.size() == row.deadlines.size() - bench.fired.size());
  }
}

TEST_CASE("a disarmed timer does not fire, whichever place it had") {
  constexpr int kTimers = 21;  // three levels of a 4-ary heap
  for (int victim = 0; victim < kTimers; ++victim) {
    Bench bench(kTimers);
    for (int i = 0; i < kTimers; ++i) bench.timers[static_cast<std::size_t>(i)].arm(at(Duration((i * 8) % kTimers)));
    bench.timers[static_cast<std::size_t>(victim)].disarm();
    CHECK_FALSE(bench.timers[static_cast<std::size_t>(victim)].armed());
    std::string expected;
    for (int ns = 0; ns < kTimers; ++ns) {
      for (int i = 0; i < kTimers; ++i) {
        if ((i * 8) % kTimers == ns && i != victim) expected += static_cast<char>('a' + i);
      }
    }
    bench.queue.advance_to(at(1s));
    CHECK(bench.fired == expected);
  }
}

TEST_CASE("re-arming moves a timer to an earlier or a later deadline") {
  Bench bench(2);
  bench.timers[0].arm(at(10ns));
  bench.timers[1].arm(at(20ns));
  bench.timers[1].arm(at(5ns));
  bench.timers[0].arm(at(30ns));
  CHECK(bench.queue.size() == 2);
  bench.queue.advance_to(at(29ns));
  CHECK(bench.fired == "b");
  bench.queue.advance_to(at(30ns));
  CHECK(bench.fired == "ba");
}

TEST_CASE("what a callback arms fires in a later call, even when it is due already") {
  TimerQueue queue;
  int fired = 0;
  Timer* self = nullptr;
  Timer timer(queue, [&] {
    ++fired;
    self->arm(at(0ns));
  });
  self = &timer;
  timer.arm(at(1ns));
  CHECK(queue.advance_to(at(5ns)) == 1);
  CHECK(timer.armed());
  CHECK(queue.advance_to(at(5ns)) == 1);
  CHECK(fired == 2);
}

TEST_CASE("a callback may disarm or destroy a timer that is due in the same call") {
  TimerQueue queue;
  bool fired = false;
  Timer disarmed(queue, [&] { fired = true; });
  auto destroyed = std::make_unique<Timer>(queue, [&] { fired = true; });
  Timer first(queue, [&] {
    disarmed.disarm();
    destroyed.reset();
  });
  first.arm(at(1ns));
  disarmed.arm(at(2ns));
  destroyed->arm(at(3ns));
  CHECK(queue.advance_to(at(9ns)) == 1);
  CHECK_FALSE(fired);
  CHECK(queue.size() == 0);
}

TEST_CASE("a timer may destroy itself inside its callback") {
  TimerQueue queue;
  std::unique_ptr<Timer> timer;
  auto witness = std::make_shared<int>(0);
  timer = std::make_unique<Timer>(queue, [&timer, witness] {
    timer.reset();
    ++*witness;  // the callback itself is still alive
  });
  timer->arm(at(1ns));
  queue.advance_to(at(1ns));
  CHECK(*witness == 1);
  CHECK(witness.use_count() == 1);
}

TEST_CASE("ten thousand timers in random order fire sorted") {
  TimerQueue queue;
  std::vector<Duration> fired;
  std::deque<Timer> timers;
  std::uint64_t random = 1;
  for (int i = 0; i < 10'000; ++i) {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    const Duration when(static_cast<std::int64_t>(random >> 40));
    timers.emplace_back(queue, [&fired, when] { fired.push_back(when); });
    timers.back().arm(at(when));
  }
  for (std::size_t i = 0; i < timers.size(); i += 3) timers[i].disarm();
  queue.advance_to(kNever);
  CHECK(fired.size() == 6'666);
  CHECK(std::is_sorted(fired.begin(), fired.end()));
}

TEST_CASE("the queue remembers how late the latest timer was") {
  Bench bench(2);
  bench.timers[0].arm(at(10ns));
  bench.timers[1].arm(at(40ns));
  bench.queue.advance_to(at(50ns));
  CHECK(bench.queue.take_max_lateness() == 40ns);
  CHECK(bench.queue.take_max_lateness() == 0ns);

  bench.timers[0].arm(TimePoint{});  // at once
  bench.queue.advance_to(at(70ns));
  CHECK(bench.queue.take_max_lateness() == 20ns);
}
