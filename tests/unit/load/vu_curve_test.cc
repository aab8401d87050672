#include "vu_curve.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "catch.h"

using namespace lgen;
using namespace std::chrono_literals;

namespace {

double line(std::uint64_t start, const std::vector<Stage>& stages, Duration t) {
  auto from = static_cast<double>(start);
  for (const Stage& stage : stages) {
    if (t < stage.duration) return from + (stage.target - from) * to_seconds(t) / to_seconds(stage.duration);
    t -= stage.duration;
    from = stage.target;
  }
  return 0;
}

}  // namespace

TEST_CASE("the number of VUs never strays further than half a VU from the line") {
  std::mt19937_64 random(11);
  for (int round = 0; round < 200; ++round) {
    const std::uint64_t start = random() % 50;
    std::vector<Stage> stages;
    Duration end{0};
    for (std::size_t i = 0; i < 1 + random() % 5; ++i) {
      const Duration length =
          random() % 4 == 0 ? Duration{0} : Duration(1 + static_cast<std::int64_t>(random() % 100'000'000'000));
      stages.push_back({length, static_cast<double>(random() % 100)});
      end += length;
    }
    CHECK(stages_end(stages) == end);
    std::uint64_t most = 0;
    for (int i = 0; i < 100; ++i) {
      const Duration t(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(end.count() + 1)));
      const auto vus = vus_on_curve(start, stages, t);
      if (t == end) {
        CHECK(vus == std::nullopt);
        continue;
      }
      CHECK(std::abs(static_cast<double>(*vus) - line(start, stages, t)) <= 0.5 + 1e-6);
      most = std::max(most, *vus);
    }
    CHECK(most <= peak_of_curve(start, stages));
  }
}

TEST_CASE("every change is announced, and at its time") {
  const std::vector<Stage> stages = {{7s, 10}, {0s, 3}, {5s, 3}, {3s, 100}, {11s, 0}, {2s, 0}};
  Duration t{0};
  std::uint64_t vus = *vus_on_curve(4, stages, t);
  int changes = 0;
  while (const auto next = next_change_on_curve(4, stages, t)) {
    REQUIRE(*next > t);
    CHECK(vus_on_curve(4, stages, *next - 1ns) == vus);
    vus = vus_on_curve(4, stages, *next).value_or(0);
    t = *next;
    ++changes;
  }
  CHECK(t == 28s);
  CHECK(changes == 6 + 1 + 1 + 97 + 1 + 100 + 1 + 1);  // one by one, and where a stage ends
}

TEST_CASE("zero stages jump; only where the line stays it counts") {
  CHECK(vus_on_curve(5, std::vector<Stage>{{0s, 9}, {1s, 9}}, 0s) == 9u);
  CHECK(peak_of_curve(50, std::vector<Stage>{{0s, 9}, {1s, 9}}) == 9);
  CHECK(peak_of_curve(5, std::vector<Stage>{{0s, 90}, {0s, 7}, {1s, 7}}) == 7);
  CHECK(peak_of_curve(50, std::vector<Stage>{{1s, 9}}) == 50);
}

TEST_CASE("ten million VUs within a nanosecond's grid") {
  const std::vector<Stage> stages = {{24h, 10'000'000}};
  CHECK(vus_on_curve(0, stages, 12h) == 5'000'000u);
  CHECK(vus_on_curve(0, stages, 24h - 1ns) == 10'000'000u);
}
