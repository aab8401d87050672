// The generator behind lgen.random: known values, even draws.
#include "random.h"

#include <map>

#include "catch.h"

namespace lgen::lua {
namespace {

TEST_CASE("splitmix64 gives the published numbers") {
  // The reference code's first outputs for the seed 1234567 (prng.di.unimi.it/splitmix64.c).
  const std::uint64_t step = 0x9e3779b97f4a7c15ull;
  CHECK(mix64(1234567) == 6457827717110365317ull);
  CHECK(mix64(1234567 + step) == 3203168211198807973ull);
  CHECK(mix64(1234567 + 2 * step) == 9817491932198370423ull);
}

TEST_CASE("FNV-1a gives the published numbers") {
  CHECK(hash_name("") == 0xcbf29ce484222325ull);
  CHECK(hash_name("a") == 0xaf63dc4c8601ec8cull);
  CHECK(hash_name("foobar") == 0x85944171f73967e8ull);
}

TEST_CASE("the same seed draws the same numbers, another one others") {
  Random a(7), b(7), c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t drawn = a.next();
    CHECK(drawn == b.next());
    differs = differs || drawn != c.next();
  }
  CHECK(differs);
}

TEST_CASE("whole numbers are even over their range, its ends included") {
  Random random(1);
  std::map<std::int64_t, int> counts;
  for (int i = 0; i < 60'000; ++i) ++counts[random.integer(-2, 3)];
  REQUIRE(counts.size() == 6);
  CHECK(counts.begin()->first == -2);
  for (const auto& [value, count] : counts) CHECK(std::abs(count - 10'000) < 500);
}

TEST_CASE("the widest range and the narrowest are possible") {
  Random random(1);
  CHECK(random.integer(5, 5) == 5);
  bool negative = false, positive = false;
  for (int i = 0; i < 100; ++i) {
    const std::int64_t drawn = random.integer(INT64_MIN, INT64_MAX);
    negative = negative || drawn < 0;
    positive = positive || drawn > 0;
  }
  CHECK(negative);
  CHECK(positive);
}

TEST_CASE("unit draws lie in [0, 1)") {
  Random random(3);
  for (int i = 0; i < 10'000; ++i) {
    const double drawn = random.unit();
    REQUIRE(drawn >= 0);
    REQUIRE(drawn < 1);
  }
}

}  // namespace
}  // namespace lgen::lua
