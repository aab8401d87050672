#include "quantity.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>

namespace lgen::kube {

namespace {

constexpr std::array<std::pair<std::string_view, double>, 16> kSuffixes = {{{"", 1},
                                                                            {"m", 1e-3},
                                                                            {"u", 1e-6},
                                                                            {"n", 1e-9},
                                                                            {"k", 1e3},
                                                                            {"M", 1e6},
                                                                            {"G", 1e9},
                                                                            {"T", 1e12},
                                                                            {"P", 1e15},
                                                                            {"E", 1e18},
                                                                            {"Ki", 1024.0},
                                                                            {"Mi", 1048576.0},
                                                                            {"Gi", 1073741824.0},
                                                                            {"Ti", 1099511627776.0},
                                                                            {"Pi", 1125899906842624.0},
                                                                            {"Ei", 1152921504606846976.0}}};

constexpr double kMost = 9e18;

// "1.5" and "1e3", with a sign; strtod would also take "inf" and "0x1".
std::size_t number_length(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789.";
  std::size_t end = text.find_first_not_of(kDigits, text.starts_with('-') || text.starts_with('+') ? 1 : 0);
  if (end == std::string_view::npos) return text.size();
  if (text[end] != 'e' && text[end] != 'E') return end;
  const std::size_t sign = end + 1 < text.size() && (text[end + 1] == '-' || text[end + 1] == '+') ? 1 : 0;
  const std::size_t digits = text.find_first_not_of("0123456789", end + 1 + sign);
  const std::size_t after = digits == std::string_view::npos ? text.size() : digits;
  return after > end + 1 + sign ? after : end;  // "1E" is an exabyte
}

}  // namespace

std::optional<std::int64_t> parse_quantity(std::string_view text) {
  const std::size_t length = number_length(text);
  const std::string digits(text.substr(0, length));
  char* end = nullptr;
  const double number = std::strtod(digits.c_str(), &end);
  if (digits.empty() || end != digits.c_str() + digits.size()) return std::nullopt;
  for (const auto& [suffix, factor] : kSuffixes) {
    if (text.substr(length) != suffix) continue;
    const double thousandths = number * factor * 1000;
    if (std::abs(thousandths) > kMost) return std::nullopt;
    // A decimal fraction such as 0.1 is no double: what rounding leaves over is not a finer part.
    return static_cast<std::int64_t>(std::ceil(thousandths - 1e-6));
  }
  return std::nullopt;
}

std::string format_quantity(std::int64_t thousandths) {
  if (thousandths % 1000 != 0) return fmt::format("{}m", thousandths);
  std::int64_t whole = thousandths / 1000;
  const char* suffix = "";
  for (const char* next : {"k", "M", "G"}) {
    if (whole == 0 || whole % 1000 != 0) break;
    whole /= 1000;
    suffix = next;
  }
  return fmt::format("{}{}", whole, suffix);
}

}  // namespace lgen::kube
