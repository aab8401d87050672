#include "lgen/schedule.h"

#include <algorithm>
#include <set>

#include "catch.h"

using namespace lgen;
using namespace std::chrono_literals;

namespace {

Load constant_vus(std::uint64_t vus, std::optional<Duration> duration) {
  Load load;
  load.vus = vus;
  load.duration = duration;
  return load;
}

Load iterations(Load::Kind kind, std::uint64_t vus, std::uint64_t n, std::optional<Duration> max_duration = {}) {
  Load load;
  load.kind = kind;
  load.vus = vus;
  load.iterations = n;
  load.max_duration = max_duration;
  return load;
}

constexpr auto kPerVu = Load::Kind::per_vu_iterations;
constexpr auto kShared = Load::Kind::shared_iterations;

}  // namespace

TEST_CASE("a load is refused with what is wrong about it") {
  struct Row {
    std::string scenario;
    Load load;
    std::string message;
  };
  Load both = constant_vus(1, 1s);
  both.iterations = 3;
  Load wrong_field = iterations(kShared, 1, 1);
  wrong_field.duration = 10s;
  const Row rows[] = {
      {"no VUs", constant_vus(0, 1s), "vus must be at least 1, got 0"},
      {"far too many VUs", constant_vus(10'000'001, 1s), "vus must be at most 10000000, got 10000001"},
      {"no duration", constant_vus(1, std::nullopt), "constant_vus needs a duration"},
      {"no time", constant_vus(1, 0s), "duration must be longer than 0, got 0s"},
      {"negative time", constant_vus(1, -2s), "duration must be longer than 0, got -2s"},
      {"a field of another kind", both,
       "constant_vus takes vus and duration; iterations and max_duration belong to per_vu_iterations and "
       "shared_iterations"},
      {"duration for max_duration", wrong_field, "shared_iterations takes max_duration, not duration"},
      {"no iterations", iterations(kPerVu, 1, 0), "iterations must be at least 1, got 0"},
      {"no max_duration left", iterations(kShared, 1, 1, 0s), "max_duration must be longer than 0, got 0s"},
      {"more than can be counted", iterations(kPerVu, 3, UINT64_MAX / 2),
       "vus times iterations must be below 2^64, got 3 times 9223372036854775807"},
  };
  for (const Row& row : rows) {
    INFO(row.scenario);
    const Outcome outcome = check_load(row.load);
    REQUIRE_FALSE(outcome.ok());
    CHECK(outcome.error().message == row.message);
    CHECK(outcome.error().code == ErrorCode::invalid_argument);
  }
  CHECK(check_load(constant_vus(1, 1ns)).ok());
  CHECK(check_load(iterations(kShared, 10, 3)).ok());
}

TEST_CASE("a load describes itself in one line") {
  CHECK(describe_load(constant_vus(30, 60s)) == "30 VUs for 1m");
  CHECK(describe_load(constant_vus(1, 500ms)) == "1 VU for 500ms");
  CHECK(describe_load(iterations(kShared, 10, 100)) == "100 iterations shared by 10 VUs (at most 10m)");
  CHECK(describe_load(iterations(kShared, 10, 100, kNoLimit)) == "100 iterations shared by 10 VUs");
  CHECK(describe_load(iterations(kPerVu, 2, 1, 30s)) == "1 iteration for each of 2 VUs (at most 30s)");
}

TEST_CASE("constant_vus holds its VUs until the end and never runs out of arrivals") {
  const Schedule schedule(constant_vus(7, 10s), Slice{});
  CHECK(schedule.vus_at(0s) == 7);
  CHECK(schedule.vus_at(10s - 1ns) == 7);
  CHECK(schedule.vus_at(10s) == 0);
  CHECK(schedule.next_change(0s) == Duration(10s));
  CHECK(schedule.next_change(10s) == std::nullopt);
  CHECK(schedule.due(std::uint64_t{1} << 60) == Duration(0));
  CHECK(schedule.total_iterations() == std::nullopt);
  CHECK(schedule.iterations_per_vu() == std::nullopt);
  CHECK(schedule.max_vus() == 7);
}

TEST_CASE("the iteration kinds have as many arrivals as asked for") {
  const Schedule per_vu(iterations(kPerVu, 4, 5), Slice{});
  CHECK(per_vu.total_iterations() == 20u);
  CHECK(per_vu.iterations_per_vu() == 5u);
  CHECK(per_vu.due(19) == Duration(0));
  CHECK(per_vu.due(20) == std::nullopt);
  CHECK(per_vu.end() == 10min);

  const Schedule shared(iterations(kShared, 4, 5, 3s), Slice{});
  CHECK(shared.total_iterations() == 5u);
  CHECK(shared.iterations_per_vu() == std::nullopt);
  CHECK(shared.due(4) == Duration(0));
  CHECK(shared.due(5) == std::nullopt);
  CHECK(shared.end() == 3s);
  CHECK(Schedule(iterations(kShared, 10, 3), Slice{}).max_vus() == 3);
}

TEST_CASE("the union of all slices is the schedule of one rank") {
  for (const Load::Kind kind : {Load::Kind::constant_vus, kPerVu, kShared}) {
    for (const std::uint64_t vus : {1u, 2u, 3u, 7u, 64u}) {
      for (const std::uint64_t n : {1u, 2u, 5u, 100u}) {
        for (const std::uint64_t ranks : {1u, 2u, 3u, 5u, 100u}) {
          const Load load = kind == Load::Kind::constant_vus ? constant_vus(vus, 10s) : iterations(kind, vus, n);
          const Schedule whole(load, Slice{});
          INFO(describe_load(load) << ", " << ranks << " ranks");
          std::uint64_t total = 0, at_start = 0;
          std::set<std::uint64_t> places;
          for (std::uint64_t rank = 0; rank < ranks; ++rank) {
            const Schedule slice(load, Slice{rank, ranks});
            CHECK(slice.end() == whole.end());
            total += slice.total_iterations().value_or(0);
            at_start += slice.vus_at(0s);
            for (std::uint64_t k = 0; k < slice.max_vus(); ++k) places.insert(slice.global_vu(k));
            if (slice.total_iterations()) {
              CHECK((slice.max_vus() > 0) == (*slice.total_iterations() > 0));
              CHECK(slice.max_vus() <= *slice.total_iterations());
              CHECK(slice.due(*slice.total_iterations()) == std::nullopt);
            }
            if (slice.max_vus() == 0) CHECK(slice.due(0) == std::nullopt);
          }
          CHECK(total == whole.total_iterations().value_or(0));
          CHECK(at_start == whole.vus_at(0s));
          CHECK(places.size() == whole.max_vus());
          CHECK(*places.rbegin() == whole.max_vus() - 1);
        }
      }
    }
  }
}
