// Properties of the schedules with arrivals of their own time, over many shapes.
#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "catch.h"
#include "lgen/schedule.h"
#include "rate_curve.h"
#include "unit_arrivals.h"

using namespace lgen;
using namespace std::chrono_literals;

namespace {

Load rate_for(double rate, Duration duration) {
  return {.kind = Load::Kind::constant_rate, .duration = duration, .rate = {rate}, .max_vus = 1000};
}

Load ramp(double start, std::vector<Stage> stages) {
  return {.kind = Load::Kind::ramping_rate, .stages = std::move(stages), .rate = {start}, .max_vus = 1000};
}

Load at_random(Load load, std::uint64_t seed = 1) {
  load.poisson = true;
  load.seed = seed;
  return load;
}

const std::vector<Load>& shapes() {
  static const std::vector<Load> all = {
      rate_for(1, 10s),
      rate_for(3, 100s),
      rate_for(0.1, 30s),
      rate_for(33.3, 3s),
      rate_for(1e4, 3s),
      rate_for(7.77, 1234567891ns),
      rate_for(1e-3, 10s),  // one arrival, at once
      ramp(0, {{10s, 100}}),
      ramp(100, {{10s, 0}}),
      ramp(0, {{10s, 50}, {20s, 50}, {10s, 0}}),
      ramp(0, {{5s, 0}, {5s, 10}}),                                // nothing for a while
      ramp(10, {{5s, 10}, {0s, 0}, {5s, 0}, {0s, 20}, {5s, 20}}),  // jumps, and a pause
      ramp(0, {{0s, 500}, {1s, 500}, {0s, 5}, {10s, 5}}),
      ramp(2, {{3s, 9}, {7s, 4}, {1s, 4.5}, {13s, 0.25}}),
      ramp(1e4, {{1s, 1e3}, {1s, 1e4}}),
      ramp(20, {{5s, 0}, {5s, 0}}),  // and nothing at the end
  };
  return all;
}

/// The integral of the rate, summed in small steps: a second way to it.
double integral(const Load& load, Duration until) {
  std::vector<Stage> stages = load.stages;
  if (stages.empty()) stages = {{*load.duration, load.rate.per_second}};
  double rate = load.rate.per_second, sum = 0;
  Duration begin{0};
  for (const Stage& stage : stages) {
    const double length = to_seconds(stage.duration),
                 here = to_seconds(std::clamp(until - begin, Duration{0}, stage.duration));
    if (length > 0) {
      const double at = rate + (stage.target - rate) * here / length;
      sum += here * (rate + at) / 2;
    }
    rate = stage.target;
    begin += stage.duration;
  }
  return sum;
}

std::vector<Duration> all_of(const Schedule& schedule) {
  std::vector<Duration> times;
  for (std::uint64_t n = 0; const auto due = schedule.due(n); ++n) times.push_back(*due);
  return times;
}

}  // namespace

TEST_CASE("the arrivals by any time are the integral of the rate, to less than one") {
  for (const Load& load : shapes()) {
    INFO(describe_load(load));
    REQUIRE(check_load(load).ok());
    const Schedule schedule(load, Slice{});
    const std::vector<Duration> times = all_of(schedule);
    REQUIRE(!times.empty());
    CHECK(times.size() == schedule.total_iterations());
    CHECK(std::is_sorted(times.begin(), times.end()));
    CHECK(times.back() <= schedule.end());
    for (int i = 0; i <= 1000; ++i) {
      const Duration t = schedule.end() * i / 1000;
      const auto before = static_cast<double>(std::lower_bound(times.begin(), times.end(), t) - times.begin());
      const auto by = static_cast<double>(std::upper_bound(times.begin(), times.end(), t) - times.begin());
      const double expected = integral(load, t);
      CHECK(before >= expected - 1e-3);
      CHECK(by < expected + 1 + 1e-3);
      CHECK(schedule.due_by(t) == static_cast<std::uint64_t>(by));
    }
  }
}

TEST_CASE("even arrivals come exactly where the rate puts them") {
  const Schedule tenth(rate_for(10, 1s), Slice{});
  for (std::uint64_t n = 0; n < 10; ++n) CHECK(tenth.due(n) == n * Duration(100ms));
  CHECK(tenth.due(10) == std::nullopt);
  CHECK(tenth.due_by(99999999ns) == 1u);
  CHECK(tenth.due_by(100ms) == 2u);
  // Uniform acceleration: arrival n at sqrt(n / 5) seconds.
  const Schedule rising(ramp(0, {{10s, 100}}), Slice{});
  CHECK(rising.due(0) == Duration(0));
  CHECK(rising.due(5) == Duration(1s));
  CHECK(rising.due(20) == Duration(2s));
  CHECK(rising.due(499) == Duration(9989994995));
  CHECK(rising.total_iterations() == 500u);
  const Schedule falling(ramp(100, {{10s, 0}}), Slice{});
  CHECK(falling.due(0) == Duration(0));
  CHECK(falling.due(95) == Duration(1s));
  CHECK(falling.due(495) == Duration(9s));
}

TEST_CASE("nothing comes while the rate is 0") {
  const Schedule schedule(ramp(10, {{5s, 10}, {0s, 0}, {5s, 0}, {0s, 20}, {5s, 20}}), Slice{});
  CHECK(schedule.due(49) == Duration(4900ms));
  CHECK(schedule.due(50) == Duration(10s));  // not at 5 s, when the count got there
  CHECK(schedule.due(51) == Duration(10050ms));
  CHECK(schedule.total_iterations() == 150u);
  CHECK(Schedule(ramp(0, {{5s, 0}, {5s, 10}}), Slice{}).due(0) == Duration(5s));
}

TEST_CASE("ten thousand a second do not drift in ten hours") {
  const Schedule schedule(rate_for(1e4, 10h), Slice{});
  for (const std::uint64_t n : {1ull, 12'345ull, 35'999'999ull, 123'456'789ull, 359'999'999ull}) {
    CHECK(schedule.due(n) == Duration(100us) * n);
  }
  CHECK(schedule.due(360'000'000) == std::nullopt);
  CHECK(schedule.due_by(5h) == 180'000'001u);
}

TEST_CASE("the union of all slices is the schedule of one rank, at random, too") {
  std::vector<Load> loads = shapes();
  for (const Load& load : shapes()) loads.push_back(at_random(load, 99));
  for (const Load& load : loads) {
    const std::vector<Duration> whole = all_of(Schedule(load, Slice{}));
    for (const std::uint64_t ranks : {2u, 3u, 7u, 2000u}) {
      INFO(describe_load(load) << ", " << ranks << " ranks");
      std::vector<Duration> together;
      std::uint64_t due = 0;
      for (std::uint64_t rank = 0; rank < ranks; ++rank) {
        const Schedule slice(load, Slice{rank, ranks});
        const std::vector<Duration> part = all_of(slice);
        if (slice.max_vus() == 0) CHECK(part.empty());
        together.insert(together.end(), part.begin(), part.end());
        due += *slice.due_by(slice.end() / 3);
      }
      std::sort(together.begin(), together.end());
      CHECK(together == whole);
      CHECK(due == Schedule(load, Slice{}).due_by(Schedule(load, Slice{}).end() / 3));
    }
  }
}

TEST_CASE("random arrivals are the same however they are asked for") {
  const Load load = at_random(ramp(0, {{10s, 200}, {5s, 20}}), 7);
  const Schedule schedule(load, Slice{});
  const std::vector<Duration> times = all_of(schedule);
  std::mt19937 random(3);
  for (int i = 0; i < 300; ++i) {
    const std::uint64_t n = random() % times.size();
    CHECK(schedule.due(n) == times[n]);
    CHECK(schedule.due_by(times[n]) >= n + 1);
    CHECK(schedule.due_by(times[n] - 1ns) <= n);
  }
  CHECK(all_of(Schedule(load, Slice{})) == times);
  CHECK(all_of(Schedule(at_random(load, 8), Slice{})) != times);
  CHECK(schedule.total_iterations() == std::nullopt);
}

TEST_CASE("random arrivals are a Poisson process: their gaps pass Kolmogorov and Smirnov") {
  constexpr int kGaps = 20'000;
  UnitArrivals unit(20'260);
  std::vector<double> gaps;
  double before = 0;
  for (std::uint64_t n = 0; n < kGaps; ++n) {
    gaps.push_back(unit.at(n) - before);
    before = unit.at(n);
  }
  std::vector<double> sorted = gaps;
  std::sort(sorted.begin(), sorted.end());
  double distance = 0;
  for (int i = 0; i < kGaps; ++i) {
    const double expected = 1 - std::exp(-sorted[static_cast<std::size_t>(i)]);
    distance = std::max({distance, expected - double(i) / kGaps, double(i + 1) / kGaps - expected});
  }
  CHECK(distance < 1.36 / std::sqrt(double(kGaps)));  // 5 % level
  // Neighbours know nothing of each other.
  double product = 0;
  for (std::size_t i = 1; i < gaps.size(); ++i) product += (gaps[i] - 1) * (gaps[i - 1] - 1);
  CHECK(std::abs(product / kGaps) < 3 / std::sqrt(double(kGaps)));
}

TEST_CASE("random arrivals of a ramp follow the integral of its rate") {
  // Mapped through the integral, the times must be uniform: given their number, points of a Poisson process are.
  const Load load = at_random(ramp(0, {{100s, 200}, {50s, 200}, {0s, 20}, {100s, 0}}), 5);
  const std::vector<Duration> times = all_of(Schedule(load, Slice{}));
  const double total = integral(load, 250s);
  const auto n = static_cast<double>(times.size());
  CHECK(std::abs(n - total) < 4 * std::sqrt(total));
  double distance = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const double at = integral(load, times[i]) / total;
    distance = std::max({distance, at - double(i) / n, double(i + 1) / n - at});
  }
  CHECK(distance < 1.36 / std::sqrt(n));
}

TEST_CASE("a faster time keeps the number of arrivals") {
  for (const Load& load : shapes()) {
    INFO(describe_load(load));
    const Schedule slow(load, Slice{}), fast(scaled(load, 8), Slice{});
    CHECK(fast.total_iterations() == slow.total_iterations());
    CHECK(std::abs((fast.end() * 8 - slow.end()).count()) <= 40);
    const std::uint64_t last = *slow.total_iterations() - 1;
    CHECK(std::abs((*fast.due(last) * 8 - *slow.due(last)).count()) <= 100);
  }
  Load vus{.kind = Load::Kind::ramping_vus, .vus = 3, .stages = {{8s, 10}}};
  CHECK(scaled(vus, 8).stages[0].duration == 1s);
  CHECK(scaled(vus, 8).stages[0].target == 10);
  CHECK(scaled(rate_for(1, 1s), 2).backlog == kDefaultBacklog);
}
