#include "arrivals.h"

#include "catch.h"

using namespace lgen;
using namespace std::chrono_literals;

namespace {

/// One arrival a second, `total` of them, the first at 0.
Arrivals::Due every_second(std::uint64_t total) {
  return [total](std::uint64_t n) -> std::optional<Duration> {
    if (n >= total) return std::nullopt;
    return Duration(1s) * n;
  };
}

Arrivals::Due at_once(std::uint64_t total) {
  return [total](std::uint64_t n) -> std::optional<Duration> {
    if (n >= total) return std::nullopt;
    return Duration(0);
  };
}

}  // namespace

TEST_CASE("arrivals become ready one by one and keep the time they were due") {
  Arrivals arrivals(every_second(3), 10s);
  CHECK(arrivals.ready(0s));
  CHECK(arrivals.take() == 0s);
  CHECK_FALSE(arrivals.ready(999ms));
  CHECK(arrivals.next_event(999ms) == Duration(1s));
  CHECK(arrivals.ready(1s));
  // Nobody was free for a while: the intended start stays.
  CHECK(arrivals.waiting(5s));
  CHECK(arrivals.take() == 1s);
  CHECK(arrivals.take() == 2s);
  CHECK_FALSE(arrivals.more());
  CHECK_FALSE(arrivals.ready(1h));
  CHECK(arrivals.next_event(5s) == std::nullopt);
}

TEST_CASE("an arrival is overdue when it has waited as long as the backlog") {
  Arrivals arrivals(every_second(10), 3s);
  CHECK_FALSE(arrivals.overdue(2999ms));
  CHECK(arrivals.next_event(1s) == Duration(3s));
  CHECK(arrivals.overdue(3s));
  CHECK(arrivals.next_event(3s) == std::nullopt);
  arrivals.take();
  CHECK_FALSE(arrivals.overdue(3s));
}

TEST_CASE("with no backlog an arrival without a free VU is overdue at once") {
  Arrivals arrivals(every_second(2), 0s);
  CHECK(arrivals.overdue(0s));
  arrivals.take();
  CHECK_FALSE(arrivals.overdue(999ms));
  CHECK(arrivals.overdue(1s));
}

TEST_CASE("arrivals of the closed model neither wait nor become overdue") {
  Arrivals arrivals(at_once(5), std::nullopt);
  CHECK(arrivals.ready(0s));
  CHECK_FALSE(arrivals.waiting(1h));
  CHECK_FALSE(arrivals.overdue(1h));
  CHECK(arrivals.next_event(1h) == std::nullopt);
}

TEST_CASE("what is left over when nothing more starts") {
  SECTION("open model: what had come and waited") {
    Arrivals arrivals(every_second(100), 60s);
    arrivals.take();
    CHECK(arrivals.abandon(4500ms, 100) == 4);
  }
  SECTION("closed model with a total: the rest") {
    Arrivals arrivals(at_once(100), std::nullopt);
    arrivals.take();
    CHECK(arrivals.abandon(1s, 100) == 99);
    CHECK_FALSE(arrivals.more());
  }
  SECTION("closed model without a total: nothing was promised") {
    Arrivals arrivals(at_once(UINT64_MAX), std::nullopt);
    arrivals.take();
    CHECK(arrivals.abandon(1s, std::nullopt) == 0);
  }
}
