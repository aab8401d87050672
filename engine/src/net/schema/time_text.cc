// Timestamps and durations as protobuf's JSON writes them.
#include <charconv>
#include <chrono>

#include "lgen/well_known.h"

namespace lgen {
namespace {

/// Takes a text apart from the left; once something does not fit, nothing does any more.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  int digits(std::size_t count) {
    int value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + std::min(count, rest_.size()), value);
    ok_ = ok_ && rest_.size() >= count && error == std::errc{} && end == rest_.data() + count && rest_[0] != '-';
    take(count);
    return value;
  }
  bool maybe(char c) {
    const bool there = ok_ && rest_.starts_with(c);
    if (there) take(1);
    return there;
  }
  void expect(char c) { ok_ = maybe(c) && ok_; }
  /// ".5" -> 500000000; nothing -> 0. At most nine digits.
  std::int32_t nanos() {
    if (!maybe('.')) return 0;
    ok_ = ok_ && !rest_.empty() && is_digit(rest_[0]);
    std::int32_t value = 0;
    for (std::int32_t unit = 100'000'000; unit > 0 && next_is_digit(); unit /= 10, take(1)) {
      value += unit * (rest_[0] - '0');
    }
    return value;
  }
  /// Digits as far as they go, at most 12: more than any number of seconds that is allowed.
  std::int64_t whole() {
    std::int64_t value = 0;
    ok_ = ok_ && next_is_digit();
    for (int i = 0; i < 12 && next_is_digit(); ++i, take(1)) value = 10 * value + (rest_[0] - '0');
    return value;
  }
  bool finished() const { return ok_ && rest_.empty(); }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  bool next_is_digit() const { return !rest_.empty() && is_digit(rest_[0]); }
  void take(std::size_t count) { rest_.remove_prefix(std::min(count, rest_.size())); }

  std::string_view rest_;
  bool ok_ = true;
};

/// Seconds east of Greenwich: "Z", "+02:00".
int zone(Cursor& cursor) {
  if (cursor.maybe('Z')) return 0;
  const bool west = cursor.maybe('-');
  if (!west) cursor.expect('+');
  const int hours = cursor.digits(2);
  cursor.expect(':');
  const int seconds = (hours * 60 + cursor.digits(2)) * 60;
  return west ? -seconds : seconds;
}

}  // namespace

std::optional<SecondsAndNanos> read_timestamp(std::string_view text) {
  using namespace std::chrono;
  Cursor cursor(text);
  const year year_part(cursor.digits(4));
  cursor.expect('-');
  const month month_part(static_cast<unsigned>(cursor.digits(2)));
  cursor.expect('-');
  const year_month_day date(year_part, month_part, day(static_cast<unsigned>(cursor.digits(2))));
  cursor.expect('T');
  const int hours = cursor.digits(2);
  cursor.expect(':');
  const int minutes = cursor.digits(2);
  cursor.expect(':');
  const int seconds = cursor.digits(2);
  const std::int32_t nanos = cursor.nanos();
  const int east = zone(cursor);
  if (!cursor.finished() || !date.ok() || hours > 23 || minutes > 59 || seconds > 59) return std::nullopt;
  const std::int64_t whole =
      sys_seconds(sys_days(date)).time_since_epoch().count() + (hours * 60 + minutes) * 60 + seconds - east;
  return split_seconds(static_cast<double>(whole), MessageForm::timestamp)
             ? std::optional(SecondsAndNanos{whole, nanos})
             : std::nullopt;
}

std::optional<SecondsAndNanos> read_duration(std::string_view text) {
  Cursor cursor(text);
  const std::int32_t sign = cursor.maybe('-') ? -1 : 1;
  const std::int64_t whole = cursor.whole();
  const std::int32_t nanos = cursor.nanos();
  cursor.expect('s');
  if (!cursor.finished() || !split_seconds(static_cast<double>(whole), MessageForm::duration)) return std::nullopt;
  return SecondsAndNanos{sign * whole, sign * nanos};
}

}  // namespace lgen
