// Timestamp and Duration as numbers of seconds.
//
// A double has 15 to 17 digits. A number of seconds is read as the decimal it is written as, so 1700000000.123456 is
// 123456000 nanoseconds and not the 123456001 that its binary value comes to; digits that a double cannot hold (of
// today's time stamps those behind the seventh place) are lost, nothing else is.
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lgen/message_plan.h"

namespace lgen {

/// As the two messages have it: a Timestamp's nanos count forwards, a Duration's have the sign of its seconds.
struct SecondsAndNanos {
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;
};

double as_number(const SecondsAndNanos& time);

/// `form`: timestamp or duration. Nothing when it is no finite number in the range that protobuf gives the type.
std::optional<SecondsAndNanos> split_seconds(double seconds, MessageForm form);

/// As protobuf's JSON writes them, to the nanosecond: "2024-05-01T12:00:00.5Z" (or with an offset such as +02:00) and
/// "1.5s". Nothing when the text is none, or out of range.
std::optional<SecondsAndNanos> read_timestamp(std::string_view text);
std::optional<SecondsAndNanos> read_duration(std::string_view text);

/// For error messages: "a number of seconds from -62135596800 to 253402300799 (the years 1 to 9999)".
std::string_view range_text(MessageForm form);

}  // namespace lgen
