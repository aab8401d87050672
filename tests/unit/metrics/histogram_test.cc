#include "lgen/histogram.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "catch.h"

using lgen::ErrorCode;
using lgen::Histogram;

namespace {

// Written by npm hdr-histogram-js 3.0 (64 bit buckets, 1 to 86400000000, 3 digits): i * i * 37 recorded i % 7 + 1
// times for i in 1..1000, 0 once, 50000000000 three hundred times.
constexpr std::string_view kGolden =
    "HISTFAAAA094nJXSP4gcZRjH8Xmfed5n3nnmnWcYxmFYxmFZlmVZliUcRziO4zgOCUeQEIIEOSQgBAkiIhYpxCJIksrC4opUKSyCRRArsQpiZSHB"
    "wiKChaVYiBwWVoLsO39u9nZP4sLCfvj+3neWZV99cJJ5nlGe5y3fvle/lp9fqV687bWGI/xF0Z9g7iM/0vYpybcBnBCeIj3T5nvkL3z7gy+nPvzl"
    "42OgL8F8B/wT2N9A/gZ4rvC5ohfK/Kr4d2VPlfyj4D7gH4o+VeYzxSfKPlLyWMHnCp8oeqrMV4q/VvYbJc8U3MHbdNvc4Xfte/I+fIAf0l1zlz+y"
    "H8s9uIefKHqozDv8mr0iV+AIj+iqucqv22tyDa7jdbphbvAb9qbchDfxmI7NMb9lb8kt2MEFXTJbfMluyRZs4zZtm22+bLdlBy7jDu2YHd61u7IL"
    "u7hHe2af9+y+HMA+HtCBOeBDeyiHMMIRDc2IR3YkIxjhmEZmzGM7ljGMcUJjM+GJncgEJjiliZny1E5lClOc0dTMeGZnMoM5zmhu5jyzC5nDHBc0"
    "Nwte2IUsoMKCcpNzYXMpoHAquLCFFDDAggoz4MIOnAY0MAUP7EDKRiUPbCkDKLGk0pRc2lJKp8qUXNlSKqicKq5sJUOosKLKDLmyQ6chDc2Qh04J"
    "JpSYhGObSNIp6SltlGJCqUk4tYmkkGBKqWuppJA2SnvKnDKnzKScOWVOWaesUeaUN8olg9y1nHObSe7a8jdbthzyRrlTiiFFJuTQhhJCiBGFTlGn"
    "yLWop2WLeoogcrdEHLnlstVql7Xicy1uFDtFEGNEcbdsFbvlmWJ3LqbYnYtdi3stbtpSyUYlPSUm5sSdSzolEkOAmgKjWdtAtJM2QSONQU/tMrBa"
    "gq7VOmv1sm2t2tYugwsUvJTCCxQ2y7BpYU91CzGgsGutwuaW5TJcabXOWr0M11TfUv+zguaftUnhf0iTb3zW1hcffPSd/E56Rb7RG5vuzum1pX5J"
    "afBXvovunqBXlrrXVpe6d4s+p/bcmc4v61v6y/rO/rl11bfo7s7NbZPa5+nu3MXLixT8jxZsbEF3Llhbti3oyUePPOOxbz3xwHPy2Wvku1Zrfelf"
    "2Npzvvz4RP2M/wJwvoEo";

Histogram golden_histogram() {
  Histogram h;
  for (std::int64_t i = 1; i <= 1000; ++i) h.record(i * i * 37, static_cast<std::uint64_t>(i % 7 + 1));
  h.record(0);
  h.record(50'000'000'000, 300);
  return h;
}

std::vector<std::int64_t> skewed_values(std::uint64_t seed, std::size_t n) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> latency(8, 2.5);
  std::vector<std::int64_t> values(n);
  for (auto& value : values) value = static_cast<std::int64_t>(std::min(latency(random), 8e10));
  return values;
}

Histogram of(const std::vector<std::int64_t>& values, int digits) {
  Histogram h(digits);
  for (const auto value : values) h.record(value);
  return h;
}

void check_equal(const Histogram& a, const Histogram& b) {
  CHECK(a.encode_v2() == b.encode_v2());
  CHECK(a.count() == b.count());
  CHECK(a.min() == b.min());
  CHECK(a.max() == b.max());
  CHECK(a.clamped() == b.clamped());
}

}  // namespace

TEST_CASE("an empty histogram answers 0 to everything") {
  const Histogram h;
  CHECK(h.count() == 0);
  CHECK(h.min() == 0);
  CHECK(h.max() == 0);
  CHECK(h.mean() == 0);
  CHECK(h.percentile(99) == 0);
  CHECK(h.count_at_or_below(1'000'000) == 0);
}

TEST_CASE("count, min, max, mean and sum are exact") {
  const auto values = skewed_values(1, 5000);
  const Histogram h = of(values, 3);
  double sum = 0;
  for (const auto value : values) sum += static_cast<double>(value);
  CHECK(h.count() == values.size());
  CHECK(h.min() == *std::min_element(values.begin(), values.end()));
  CHECK(h.max() == *std::max_element(values.begin(), values.end()));
  CHECK(h.sum() == sum);
  CHECK(h.mean() == sum / 5000);
}

TEST_CASE("percentiles lie within the promised digits of the sorted samples") {
  for (const int digits : {1, 2, 3, 4}) {
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      auto values = skewed_values(seed, 4000);
      const Histogram h = of(values, digits);
      std::sort(values.begin(), values.end());
      for (const double p : {0.0, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
        const auto rank = std::max(1.0, std::ceil(p * 4000 / 100 - 1e-6));
        const auto exact = static_cast<double>(values[static_cast<std::size_t>(rank) - 1]);
        const auto got = static_cast<double>(h.percentile(p));
        INFO("digits " << digits << " seed " << seed << " p " << p << " exact " << exact << " got " << got);
        CHECK(got >= exact);
        CHECK(got <= exact * (1 + std::pow(10, -digits)));
      }
    }
  }
}

TEST_CASE("a percentile is a nearest rank, free of rounding accidents") {
  Histogram h;
  for (int i = 1; i <= 1000; ++i) h.record(i);
  CHECK(h.percentile(99.9) == 999);
  CHECK(h.percentile(50) == 500);
  CHECK(h.percentile(50.01) == 501);
  CHECK(h.percentile(0) == 1);
  CHECK(h.percentile(100) == 1000);
  CHECK(h.percentile(-5) == 1);
  CHECK(h.percentile(200) == 1000);
}

TEST_CASE("no percentile is above the maximum or below the minimum") {
  Histogram h(2);
  h.record(1'000'003);
  CHECK(h.percentile(0) == 1'000'003);
  CHECK(h.percentile(100) == 1'000'003);
}

TEST_CASE("values outside the range are clamped and counted as such") {
  Histogram h(3, 1000);
  h.record(-7);
  h.record(5000, 2);
  h.record(1000);
  CHECK(h.clamped() == 3);
  CHECK(h.count() == 4);
  CHECK(h.min() == 0);
  CHECK(h.max() == 1000);
  CHECK(h.sum() == 3000);
}

TEST_CASE("merging gives the histogram of the union") {
  for (std::uint64_t seed = 10; seed < 15; ++seed) {
    auto a = skewed_values(seed, 1000), b = skewed_values(seed + 100, 300);
    Histogram merged = of(a, 3);
    merged.merge(of(b, 3));
    a.insert(a.end(), b.begin(), b.end());
    const Histogram whole = of(a, 3);
    check_equal(merged, whole);
    CHECK(merged.sum() == whole.sum());
  }
}

TEST_CASE("merging with an empty one changes nothing, either way round") {
  Histogram h, empty;
  h.record(7);
  h.merge(empty);
  CHECK(h.min() == 7);
  empty.merge(h);
  check_equal(empty, h);
}

TEST_CASE("histograms of different layout refuse to merge") {
  Histogram a(3), b(2);
  CHECK_THROWS_AS(a.merge(b), std::invalid_argument);
  CHECK_THROWS_AS(Histogram(0), std::invalid_argument);
  CHECK_THROWS_AS(Histogram(3, 1), std::invalid_argument);
}

TEST_CASE("copies are independent of their origin") {
  Histogram a;
  a.record(5);
  Histogram b = a;
  b.record(500'000);
  CHECK(a.count() == 1);
  CHECK(a.percentile(100) == 5);
  a = b;
  b.reset();
  CHECK(a.count() == 2);
  CHECK(b.count() == 0);
  CHECK(b.percentile(50) == 0);
  Histogram c = std::move(a);
  CHECK(c.max() == 500'000);
}

TEST_CASE("each() visits every sample once, in rising order, inside its bucket") {
  const auto values = skewed_values(3, 2000);
  const Histogram h = of(values, 2);
  std::uint64_t seen = 0;
  std::int64_t last = -1;
  h.each([&](std::int64_t low, std::int64_t high, std::uint64_t count) {
    CHECK(low > last);
    CHECK(high >= low);
    const auto inside = std::count_if(values.begin(), values.end(), [&](auto v) { return v >= low && v <= high; });
    CHECK(static_cast<std::uint64_t>(inside) == count);
    CHECK(h.count_at_or_below(high) == (seen += count));
    last = high;
  });
  CHECK(seen == h.count());
}

TEST_CASE("memory follows the range of the values, not their number") {
  Histogram h;
  const std::size_t empty = h.memory_bytes();
  for (int i = 0; i < 100'000; ++i) h.record(1024 + i % 1000);
  const std::size_t used = h.memory_bytes();
  CHECK(empty < 1024);
  CHECK(used - empty == 8192);
  for (int i = 0; i < 100'000; ++i) h.record(1024 + i % 1000);
  CHECK(h.memory_bytes() == used);
}

TEST_CASE("what hdr-histogram-js has written is read back") {
  const auto decoded = Histogram::decode_base64(kGolden);
  REQUIRE(decoded.ok());
  CHECK(decoded->significant_digits() == 3);
  CHECK(decoded->highest_trackable() == 86'400'000'000);
  CHECK(decoded->count() == 4304);
  CHECK(decoded->percentile(50) == 10'715'135);
  CHECK(decoded->percentile(90) == 34'766'847);
  CHECK(decoded->percentile(99) == 50'029'658'111);
  CHECK(decoded->mean() == Approx(3497541722.204461).epsilon(1e-9));
}

TEST_CASE("encoding writes the counts that hdr-histogram-js writes, behind the header of the format") {
  const auto theirs = Histogram::decode_base64(kGolden);
  REQUIRE(theirs.ok());
  const std::string ours = golden_histogram().encode_v2();
  CHECK(ours == theirs->encode_v2());
  using namespace std::string_literals;
  CHECK(ours.substr(0, 16) == "\x1c\x84\x93\x13\0\0\x08\x01\0\0\0\0\0\0\0\x03"s);
  CHECK(ours.substr(16, 24) == "\0\0\0\0\0\0\0\x01\0\0\0\x14\x1d\xd7\x60\0\x3f\xf0\0\0\0\0\0\0"s);
  CHECK(ours.size() == 40 + 0x801);
}

TEST_CASE("encoding and decoding again loses nothing but the exact extremes") {
  for (const int digits : {1, 2, 3, 5}) {
    const Histogram h = of(skewed_values(7, 3000), digits);
    auto back = Histogram::decode_base64(h.encode_base64());
    REQUIRE(back.ok());
    CHECK(back->encode_v2() == h.encode_v2());
    CHECK(back->count() == h.count());
    CHECK(back->mean() == Approx(h.mean()).epsilon(std::pow(10, -digits)));
    back->restore_exact(h.min(), h.max(), h.sum());
    check_equal(*back, h);
    CHECK(back->mean() == h.mean());
    CHECK(back->percentile(99.9) == h.percentile(99.9));
  }
}

TEST_CASE("the widest numbers survive: huge counts, first and last bucket, nothing at all") {
  Histogram h;
  h.record(0, std::uint64_t{1} << 62);
  h.record(Histogram::kDefaultHighest, 127);
  h.record(1'000'000, 300);
  const auto back = Histogram::decode_base64(h.encode_base64());
  REQUIRE(back.ok());
  CHECK(back->count() == h.count());
  CHECK(back->count_at_or_below(0) == std::uint64_t{1} << 62);
  const auto empty = Histogram::decode_base64(Histogram().encode_base64());
  REQUIRE(empty.ok());
  CHECK(empty->count() == 0);
}

TEST_CASE("damaged encodings are refused with a reason, never read past their end") {
  const std::string good = golden_histogram().encode_base64();
  const auto refuse = [](std::string text) {
    const auto result = Histogram::decode_base64(text);
    INFO(text.substr(0, 40));
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code == ErrorCode::protocol);
    CHECK(result.error().message.find("HDR histogram") == 0);
  };
  refuse("");
  refuse("AAAA");
  refuse("not base64!!");
  refuse("H" + good);
  refuse(good.substr(0, 100));
  refuse("A" + good.substr(1));
  std::string flipped = good;
  flipped[good.size() / 2] = flipped[good.size() / 2] == 'A' ? 'B' : 'A';
  refuse(flipped);
}

TEST_CASE("what a histogram got since an earlier state, and the earlier state, make the later one") {
  std::mt19937_64 random(5);
  const auto draw = [&] { return static_cast<std::int64_t>(random() % 50'000'000); };
  Histogram all;
  for (int i = 0; i < 1000; ++i) all.record(draw());
  const Histogram before = all;
  for (int i = 0; i < 500; ++i) all.record(draw(), 3);
  all.record(-1);
  const Histogram change = all.since(before);
  CHECK(change.count() == 1501);
  CHECK(change.clamped() == 1);
  CHECK(change.sum() == all.sum() - before.sum());
  Histogram merged = before;
  merged.merge(change);
  CHECK(merged.encode_v2() == all.encode_v2());
  CHECK(all.since(all).count() == 0);
  CHECK(all.since(all).max() == 0);
  CHECK_THROWS(before.since(all));
}
