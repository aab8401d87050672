#include "background.h"

#include <future>
#include <memory>
#include <string>
#include <thread>

#include "catch.h"
#include "loop_internal.h"

namespace lgen {
namespace {

/// Work that lasts until the test lets it end.
struct Held {
  std::promise<void> may_end;
  std::shared_future<void> end = may_end.get_future().share();
  std::shared_ptr<std::promise<void>> begun = std::make_shared<std::promise<void>>();

  /// Owns what it uses: it may outlast the test.
  std::function<void()> work() const {
    return [end = end, begun = begun] {
      begun->set_value();
      end.wait();
    };
  }
};

void for_both_modes(const std::function<void(Loop&)>& check) {
  for (const bool turned_round : {false, true}) {
    INFO((turned_round ? "with a completion queue" : "libuv alone"));
    RealClock clock;
    Loop loop(clock);
    if (turned_round) completion_queue(loop);
    check(loop);
    CHECK(loop.open_handles() == 0);
  }
}

void turn(Loop& loop, int count) {
  for (; count > 0; --count) {
    bool turned = false;
    loop.post([&] { turned = true; });
    loop.run_until([&] { return turned; });
  }
}

TEST_CASE("the loop turns while the work is done on another thread, and the end is told on the loop's") {
  for_both_modes([](Loop& loop) {
    Held held;
    std::thread::id worker, teller;
    bool over = false;
    const Op op = in_background(
        loop,
        [&, work = held.work()] {
          worker = std::this_thread::get_id();
          work();
        },
        [&] {
          teller = std::this_thread::get_id();
          over = true;
        });
    held.begun->get_future().wait();
    turn(loop, 5);
    CHECK_FALSE(over);
    CHECK(loop.open_handles() == 1);
    held.may_end.set_value();
    loop.run_until([&] { return over; });
    CHECK(worker != std::this_thread::get_id());
    CHECK(teller == std::this_thread::get_id());
  });
}

TEST_CASE("work that is dropped tells nothing, and what it owns lives until it has ended") {
  Held held;
  const auto owned = std::make_shared<std::string>("still here");
  bool told = false;
  {
    RealClock clock;
    Loop loop(clock);
    Op op = in_background(
        loop, [work = held.work(), owned] { work(); }, [&] { told = true; });
    held.begun->get_future().wait();
    op.reset();
    CHECK(loop.open_handles() == 0);
    turn(loop, 5);
    CHECK(owned.use_count() == 2);
    held.may_end.set_value();
  }  // the loop waits for it
  CHECK_FALSE(told);
  CHECK(owned.use_count() == 1);
}

TEST_CASE("cancelled work is over at once, once, and never inside the cancel") {
  for_both_modes([](Loop& loop) {
    Held held;
    int told = 0;
    Op op = in_background(loop, held.work(), [&] { ++told; });
    held.begun->get_future().wait();
    op.cancel();
    op.cancel();
    CHECK(told == 0);
    loop.run_until([&] { return told > 0; });
    held.may_end.set_value();
    turn(loop, 5);
    CHECK(told == 1);
  });
}

TEST_CASE("the operation may be dropped where its end is told") {
  for_both_modes([](Loop& loop) {
    bool over = false;
    Op op;
    op = in_background(
        loop, [] {},
        [&] {
          op.reset();
          over = true;
        });
    loop.run_until([&] { return over; });
  });
}

}  // namespace
}  // namespace lgen
