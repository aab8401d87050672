#include "json_times.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

namespace lgen::cli {
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
  /// ".5" -> 0.5; nothing -> 0.
  double fraction() {
    if (!maybe('.')) return 0;
    double value = 0, unit = 0.1;
    ok_ = ok_ && !rest_.empty() && is_digit(rest_[0]);
    for (; !rest_.empty() && is_digit(rest_[0]); take(1), unit /= 10) value += unit * (rest_[0] - '0');
    return value;
  }
  bool finished() const { return ok_ && rest_.empty(); }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
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

std::optional<std::string> timestamp_seconds(std::string_view text) {
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
  const double fraction = cursor.fraction();
  const int east = zone(cursor);
  if (!cursor.finished() || !date.ok() || hours > 23 || minutes > 59 || seconds > 59) return std::nullopt;
  const auto whole =
      sys_seconds(sys_days(date)).time_since_epoch().count() + (hours * 60 + minutes) * 60 + seconds - east;
  return fmt::format("{}", static_cast<double>(whole) + fraction);
}

std::optional<std::string> duration_seconds(std::string_view text) {
  double value = 0;
  if (!text.ends_with('s')) return std::nullopt;
  text.remove_suffix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return std::string(text);
}

}  // namespace lgen::cli
