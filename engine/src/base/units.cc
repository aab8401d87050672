#include "lgen/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <span>
#include <vector>

namespace lgen {
namespace {

struct UnitFactor {
  std::string_view name;
  double factor;
};

constexpr std::array<UnitFactor, 6> kTimeUnits = {
    {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}}};
constexpr std::array<UnitFactor, 10> kSizeUnits = {{{"B", 1},
                                                    {"kB", 1e3},
                                                    {"KB", 1e3},
                                                    {"MB", 1e6},
                                                    {"GB", 1e9},
                                                    {"KiB", 1024.0},
                                                    {"MiB", 1048576.0},
                                                    {"GiB", 1073741824.0},
                                                    {"k", 1e3},
                                                    {"M", 1e6}}};
constexpr std::array<UnitFactor, 8> kBitrateUnits = {
    {{"", 1}, {"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"m", 1e6}, {"G", 1e9}, {"g", 1e9}, {"T", 1e12}}};

const UnitFactor* find_unit(std::span<const UnitFactor> units, std::string_view name) {
  const auto at = std::find_if(units.begin(), units.end(), [&](const UnitFactor& u) { return u.name == name; });
  return at == units.end() ? nullptr : &*at;
}

/// Cuts a decimal number off the front of `text`; false when there is none.
bool take_number(std::string_view& text, double& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(number)) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

/// Cuts the letters off the front of `text`.
std::string_view take_word(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && std::isalpha(static_cast<unsigned char>(text[n]))) ++n;
  const std::string_view word = text.substr(0, n);
  text.remove_prefix(n);
  return word;
}

Error bad_duration(std::string_view text) {
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("'{}' is no duration; write 250ms, 1.5s, 1m30s or a number of seconds", text));
}

Error bad_size(std::string_view text) {
  return make_error(ErrorCode::invalid_argument, fmt::format("'{}' is no size; write 512, 64KiB or 10MB", text));
}

/// Four significant digits, no trailing zeros.
std::string short_number(double value) { return fmt::format("{:.4g}", value); }

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  std::string_view rest = text;
  double total = 0;
  double number = 0;
  if (rest.empty()) return bad_duration(text);
  for (bool first = true; !rest.empty(); first = false) {
    if (!take_number(rest, number) || number < 0) return bad_duration(text);
    const std::string_view unit = take_word(rest);
    if (unit.empty() && first && rest.empty()) return from_seconds(number);
    const UnitFactor* factor = find_unit(kTimeUnits, unit);
    if (!factor) return bad_duration(text);
    total += number * factor->factor;
  }
  return from_seconds(total);
}

Result<std::pair<Duration, Duration>> parse_duration_range(std::string_view text) {
  const std::size_t dots = text.find("..");
  const std::string_view low_text = dots == std::string_view::npos ? "0" : text.substr(0, dots);
  const std::string_view high_text = dots == std::string_view::npos ? text : text.substr(dots + 2);
  const auto low = parse_duration(low_text);
  if (!low) return low.error();
  const auto high = parse_duration(high_text);
  if (!high) return high.error();
  if (*low > *high) {
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("'{}' is no range: the first duration is longer than the second", text));
  }
  return std::pair{*low, *high};
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  double number = 0;
  if (!take_number(rest, number) || number < 0) return bad_size(text);
  const UnitFactor* unit = rest.empty() ? &kSizeUnits[0] : find_unit(kSizeUnits, rest);
  if (!unit) return bad_size(text);
  const double bytes = number * unit->factor;
  if (bytes > 9e18 || bytes != std::floor(bytes)) return bad_size(text);
  return static_cast<std::uint64_t>(bytes);
}

Result<double> parse_bitrate(std::string_view text) {
  std::string_view rest = text;
  double number = 0;
  const Error bad =
      make_error(ErrorCode::invalid_argument, fmt::format("'{}' is no bit rate; write 10Mbps, 1Gbit/s or 64k", text));
  if (!take_number(rest, number) || number < 0) return bad;
  for (const std::string_view suffix : {"bit/s", "bps", "b/s"}) {
    if (rest.ends_with(suffix)) {
      rest.remove_suffix(suffix.size());
      break;
    }
  }
  const UnitFactor* unit = find_unit(kBitrateUnits, rest);
  if (!unit) return bad;
  return number * unit->factor;
}

std::string format_duration(Duration d) {
  const double s = to_seconds(d);
  const double magnitude = std::fabs(s);
  if (d.count() == 0) return "0s";
  if (magnitude < 1e-6) return fmt::format("{}ns", d.count());
  if (magnitude < 1e-3) return short_number(s * 1e6) + "us";
  if (magnitude < 1) return short_number(s * 1e3) + "ms";
  if (magnitude < 60) return short_number(s) + "s";
  const auto whole = static_cast<std::int64_t>(std::llround(magnitude));
  const std::string sign = s < 0 ? "-" : "";
  if (whole < 3600) {
    return fmt::format("{}{}m{}", sign, whole / 60, whole % 60 ? fmt::format("{}s", whole % 60) : "");
  }
  return fmt::format("{}{}h{}", sign, whole / 3600, whole % 3600 / 60 ? fmt::format("{}m", whole % 3600 / 60) : "");
}

std::string format_size(double bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (std::fabs(bytes) >= 1024 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, kUnits[unit]);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = previous[j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, substitute});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
        current[j] = std::min(current[j], before[j - 2] + 1);
      }
    }
    before = previous;
    previous = current;
  }
  return previous[b.size()];
}

}  // namespace lgen
