#include "lgen/units.h"

#include <array>

#include "catch.h"

using namespace lgen;
using namespace std::chrono_literals;

TEST_CASE("durations are read as people write them") {
  struct Row {
    std::string_view text;
    Duration expected;
  };
  for (const auto& [text, expected] : std::array<Row, 9>{{{"250ms", 250ms},
                                                          {"1m30s", 90s},
                                                          {"2h", 2h},
                                                          {"0.5", 500ms},
                                                          {"0", 0s},
                                                          {"1.5s", 1500ms},
                                                          {"10us", 10us},
                                                          {"7ns", 7ns},
                                                          {"1h1m1s", 3661s}}}) {
    INFO(text);
    const auto read = parse_duration(text);
    REQUIRE(read.ok());
    CHECK(*read == expected);
  }
}

TEST_CASE("what is no duration is refused with its text") {
  for (const std::string_view text : {"", "s", "-1s", "1x", "1s2", "1 s", "ms1", "nan", "inf"}) {
    INFO(text);
    const auto read = parse_duration(text);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().message.find("'" + std::string(text) + "'") != std::string::npos);
  }
}

TEST_CASE("a range is A..B, or B for 0..B, and never falls") {
  CHECK(*parse_duration_range("1s..5s") == std::pair<Duration, Duration>{1s, 5s});
  CHECK(*parse_duration_range("0.1s..500ms") == std::pair<Duration, Duration>{100ms, 500ms});
  CHECK(*parse_duration_range("3s") == std::pair<Duration, Duration>{0s, 3s});
  CHECK_FALSE(parse_duration_range("5s..1s").ok());
  CHECK_FALSE(parse_duration_range("..").ok());
}

TEST_CASE("sizes know powers of 1000 and of 1024") {
  CHECK(*parse_size("512") == 512);
  CHECK(*parse_size("64KiB") == 65536);
  CHECK(*parse_size("10MB") == 10'000'000);
  CHECK(*parse_size("1.5KiB") == 1536);
  CHECK_FALSE(parse_size("1.5B").ok());
  CHECK_FALSE(parse_size("-1").ok());
  CHECK_FALSE(parse_size("10 apples").ok());
}

TEST_CASE("bit rates take bps and bit/s") {
  CHECK(*parse_bitrate("10Mbps") == Approx(10e6));
  CHECK(*parse_bitrate("1Gbit/s") == Approx(1e9));
  CHECK(*parse_bitrate("64k") == Approx(64e3));
  CHECK_FALSE(parse_bitrate("fast").ok());
}

TEST_CASE("durations are printed short") {
  CHECK(format_duration(0s) == "0s");
  CHECK(format_duration(12'300ns) == "12.3us");
  CHECK(format_duration(1500ms) == "1.5s");
  CHECK(format_duration(250ms) == "250ms");
  CHECK(format_duration(125s) == "2m5s");
  CHECK(format_duration(120s) == "2m");
  CHECK(format_duration(3660s) == "1h1m");
}

TEST_CASE("a mistyped word finds its neighbour, a foreign one does not") {
  const std::array<std::string_view, 3> words = {"pick", "size", "connection"};
  CHECK(did_you_mean("pik", words) == "pick");
  CHECK(did_you_mean("conection", words) == "connection");
  CHECK(did_you_mean("Size", words) == "size");
  CHECK(did_you_mean("keepalive", words).empty());
}

TEST_CASE("short words are no misspelling of other short words") {
  const std::array<std::string_view, 5> words = {"ca", "cert", "k", "tag", "log"};
  for (const std::string_view word : {"x", "c", "xy", "q", "t", "lt", "foo", "xyz"}) {
    INFO(word);
    CHECK(did_you_mean(word, words).empty());
  }
  CHECK(did_you_mean("ac", words) == "ca");
  CHECK(did_you_mean("tga", words) == "tag");
  CHECK(did_you_mean("lgo", words) == "log");
}

TEST_CASE("whole milliseconds become the double nearest to them") {
  for (int ms = 1; ms <= 100'000; ++ms) {
    if (to_seconds(std::chrono::milliseconds(ms)) != ms / 1000.0) FAIL(ms << " ms");
  }
}

TEST_CASE("seconds become nanoseconds and saturate") {
  CHECK(from_seconds(0.1) == 100ms);
  CHECK(from_seconds(1e300) == Duration::max());
  CHECK(from_seconds(0.0 / 0.0) == Duration{0});
}
