#include "lgen/well_known.h"

#include <charconv>
#include <cmath>
#include <string_view>

namespace lgen {
namespace {

constexpr std::int64_t kFirstTimestamp = -62135596800;  // 0001-01-01T00:00:00Z
constexpr std::int64_t kLastTimestamp = 253402300799;   // 9999-12-31T23:59:59Z
constexpr std::int64_t kLongestDuration = 315576000000;
constexpr std::int32_t kBillion = 1000000000;

/// The places behind the point of the shortest decimal that is this double, rounded to nine; up to and with a billion.
std::int32_t nanos_of(double positive) {
  if (positive < 0.5e-9) return 0;  // else at most 40 characters
  char text[64];
  const auto [end, error] = std::to_chars(text, text + sizeof text, positive, std::chars_format::fixed);
  const std::string_view digits(text, static_cast<std::size_t>(end - text));
  const std::size_t point = digits.find('.');
  if (error != std::errc{} || point == std::string_view::npos) return 0;
  std::int32_t nanos = 0;
  for (std::size_t i = point + 1; i <= point + 9; ++i) nanos = 10 * nanos + (i < digits.size() ? digits[i] - '0' : 0);
  return nanos + (point + 10 < digits.size() && digits[point + 10] >= '5' ? 1 : 0);
}

/// Both parts with the sign of `seconds`.
SecondsAndNanos split(double seconds) {
  SecondsAndNanos time{static_cast<std::int64_t>(seconds), 0};
  if (static_cast<double>(time.seconds) == seconds) return time;
  const std::int32_t sign = seconds < 0 ? -1 : 1;
  time.nanos = sign * nanos_of(std::abs(seconds));
  if (time.nanos == sign * kBillion) {
    time.seconds += sign;
    time.nanos = 0;
  }
  return time;
}

}  // namespace

double as_number(const SecondsAndNanos& time) {
  return static_cast<double>(time.seconds) + static_cast<double>(time.nanos) / kBillion;
}

std::optional<SecondsAndNanos> split_seconds(double seconds, MessageForm form) {
  if (!(std::abs(seconds) <= static_cast<double>(kLongestDuration))) return std::nullopt;
  SecondsAndNanos time = split(seconds);
  if (form == MessageForm::duration) return time;
  if (time.nanos < 0) {
    --time.seconds;
    time.nanos += kBillion;
  }
  if (time.seconds < kFirstTimestamp || time.seconds > kLastTimestamp) return std::nullopt;
  return time;
}

std::string_view range_text(MessageForm form) {
  return form == MessageForm::timestamp ? "a number of seconds from -62135596800 to 253402300799 (the years 1 to 9999)"
                                        : "a number of seconds from -315576000000 to 315576000000 (10,000 years)";
}

}  // namespace lgen
