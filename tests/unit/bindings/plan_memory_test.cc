// Two hours of load on a manual clock, as `lgen` runs them but for the terminal: what does memory do meanwhile?
// Lua and C++ allocate apart, so the resident set counts beside what malloc has given out.
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>

#include "catch.h"
#include "lgen/check.h"
#include "lgen/plan.h"
#include "lgen/timeline.h"

using namespace lgen;
using namespace std::chrono_literals;

namespace {

// Calls, streams, checks, metrics with labels, tags and errors: 20 iterations a second.
constexpr const char* kPlan = R"(
local lgen = require "lgen"
local api = lgen.proto { files = { "hello.proto", "streaming.proto" } }
local SayHello = api:method "hello.Hello/SayHello"
local Chat = api:method "streaming.Streamer/ProcessTextStream"
local ch = lgen.grpc.channel("main", lgen.target)
local seen = lgen.histogram("seen", { labels = { "kind" } })
lgen.threshold("grpc_call_duration_seconds", "p(99) < 10", { over = "10s" })
lgen.scenario("calls", {
  load = lgen.load.constant_rate { rate = 20, duration = "2h", max_vus = 10 },
  run = function(vu)
    lgen.tag("turn", vu.iter % 3)
    lgen.check("replied", ch:call(SayHello, { name = "vu" .. vu.id }, { timeout = 1 }))
    local s = ch:open(Chat)
    for i = 1, 3 do s:send { message = "line " .. i, channel_id = vu.id } end
    s:close()
    lgen.spawn(function() lgen.delay(0.01, 0.05) end):join()
    seen:record(vu.iter % 50 / 10, { kind = vu.iter % 5 })
    if vu.iter % 100 == 0 then error("on purpose") end
  end,
})
)";

std::size_t resident_bytes() {
  std::size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

/// The most that was held in a part of the run: what Lua's collector has not come to yet goes up and down.
struct Held {
  std::size_t allocated = 0, resident = 0;
  std::size_t points = 0;  // of each line, at the end of the part

  void note() {
    const struct mallinfo2 info = mallinfo2();
    allocated = std::max(allocated, info.uordblks + info.hblkhd);
    resident = std::max(resident, resident_bytes());
  }
};

/// 0: the first ten minutes, 1: up to the hour, 2: the second hour.
std::size_t part_of(Duration elapsed) { return elapsed <= 10min ? 0 : elapsed <= 60min ? 1 : 2; }

/// Runs the plan; what is held in each part. Without a time line the rest of lgen is seen alone.
std::array<Held, 3> run_two_hours(bool with_timeline) {
  ManualClock clock(TimePoint{} + 1h);
  Loop loop(clock);
  Metrics metrics;
  PlanInput input;
  input.path = "memory.lua";
  input.text = kPlan;
  input.purpose = PlanPurpose::check;
  input.make_channel = [](const std::string&, Loop& on, const std::string& target, const ChannelOptions&) {
    return Result<std::unique_ptr<GrpcChannel>>(make_null_channel(on, target));
  };
  Plan plan(loop, metrics, std::move(input));
  REQUIRE(plan.load().ok());
  Runner runner(loop, metrics, plan.run_spec());
  plan.attach(runner);
  std::optional<Timeline> timeline;
  if (with_timeline) timeline.emplace(metrics);

  std::array<Held, 3> held;
  const TimePoint start = loop.now();
  std::optional<Timer> second;
  second.emplace(loop, [&] {
    const Duration elapsed = loop.now() - start;
    plan.second_over(elapsed);
    if (timeline) timeline->tick(elapsed);
    held[part_of(elapsed)].note();
    if (elapsed == 10min || elapsed == 60min || elapsed == 120min - 1s) {
      held[part_of(elapsed)].points = timeline ? timeline->data().series.at(0).points.size() : 0;
    }
    second->arm(loop.now() + 1s);
  });
  second->arm(start + 1s);
  std::optional<RunOutcome> outcome;
  runner.start([&](const RunOutcome& ended) { outcome = ended; });
  loop.run_until([&] { return outcome.has_value(); });
  second.reset();
  CHECK(outcome->end == RunEnd::completed);
  CHECK(outcome->scenarios.at(0).started == 144'000);
  plan.close();
  return held;
}

std::size_t growth(std::size_t from, std::size_t to) { return to > from ? to - from : 0; }

}  // namespace

TEST_CASE("an hour of load takes no more memory than ten minutes, but for the time line, which stops growing") {
  const std::array<Held, 3> alone = run_two_hours(false);
  INFO("without a time line: " << alone[0].allocated << ", " << alone[1].allocated << ", " << alone[2].allocated
                               << " bytes; resident " << alone[0].resident << ", " << alone[1].resident << ", "
                               << alone[2].resident);
  CHECK(growth(alone[0].allocated, alone[1].allocated) < 128 << 10);
  CHECK(growth(alone[1].allocated, alone[2].allocated) < 128 << 10);
  CHECK(growth(alone[0].resident, alone[1].resident) < 2 << 20);
  CHECK(growth(alone[1].resident, alone[2].resident) < 2 << 20);

  const std::array<Held, 3> all = run_two_hours(true);
  INFO("with it: " << all[0].allocated << ", " << all[1].allocated << ", " << all[2].allocated << " bytes; resident "
                   << all[0].resident << ", " << all[1].resident << ", " << all[2].resident);
  CHECK(all[0].points == 600);
  CHECK(all[1].points == 3600);
  CHECK(all[2].points == 3600);  // of two seconds each
  // 2 million points and buckets at most; here some dozens of series with a point of about 100 bytes a second.
  CHECK(growth(all[0].allocated, all[1].allocated) < 24 << 20);
  CHECK(growth(all[1].allocated, all[2].allocated) < 2 << 20);
  CHECK(growth(all[1].resident, all[2].resident) < 12 << 20);
}
