#include "names.h"

#include <algorithm>

#include "lgen/distribution.h"
#include "lgen/text.h"

namespace lgen {
namespace {

constexpr std::string_view kSeparators = "-._:/[]";

bool is_separator(char c) { return kSeparators.find(c) != std::string_view::npos; }

bool is_placeholder(const std::string& name) { return name == kUnknownBackend || name == "overflow"; }

std::size_t common_prefix(const std::vector<std::string_view>& names) {
  std::size_t n = names[0].size();
  for (const std::string_view name : names) {
    const auto [a, b] =
        std::mismatch(names[0].begin(), names[0].begin() + static_cast<std::ptrdiff_t>(n), name.begin(), name.end());
    n = static_cast<std::size_t>(a - names[0].begin());
  }
  while (n > 0 && !is_separator(names[0][n - 1])) --n;
  return n;
}

std::size_t common_suffix(const std::vector<std::string_view>& names, std::size_t prefix) {
  std::size_t n = names[0].size() - prefix;
  for (const std::string_view name : names) {
    n = std::min(n, name.size() - prefix);
    while (n > 0 && !name.ends_with(names[0].substr(names[0].size() - n))) --n;
  }
  while (n > 0 && !is_separator(names[0][names[0].size() - n])) --n;
  return n;
}

}  // namespace

ShortNames shorten_names(const std::vector<std::string>& names) {
  std::vector<std::string_view> real;
  for (const std::string& name : names) {
    if (!is_placeholder(name)) real.emplace_back(name);
  }
  if (real.size() < 2) return {names, ""};
  const std::size_t prefix = common_prefix(real);
  const std::size_t suffix = common_suffix(real, prefix);
  const bool leaves_all_a_name =
      std::all_of(real.begin(), real.end(), [&](std::string_view name) { return name.size() > prefix + suffix; });
  if (prefix + suffix == 0 || !leaves_all_a_name) return {names, ""};
  ShortNames cut;
  for (const std::string& name : names) {
    cut.names.push_back(is_placeholder(name) ? name : name.substr(prefix, name.size() - prefix - suffix));
  }
  cut.pattern = std::string(real[0].substr(0, prefix)) + "*" + std::string(real[0].substr(real[0].size() - suffix));
  return cut;
}

std::string elide_middle(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  const std::size_t tail = width * 2 / 3;
  std::size_t from = text.size();
  while (from > 0 && display_width(text.substr(from - 1)) <= tail) --from;
  while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) ++from;
  return clip(text, width - display_width(text.substr(from))).append(text.substr(from));
}

std::string join_words(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " and " : ", ";
    text += words[i];
  }
  return text;
}

std::string grouped(std::uint64_t n) {
  std::string digits = std::to_string(n);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string plural(std::string_view word) {
  const auto ends_in_consonant_y = [&] {
    return word.size() > 1 && word.back() == 'y' &&
           std::string_view("aeiou").find(word[word.size() - 2]) == std::string_view::npos;
  };
  if (ends_in_consonant_y()) return std::string(word.substr(0, word.size() - 1)) + "ies";
  return std::string(word) + (word.ends_with('s') ? "es" : "s");
}

std::string counted(std::uint64_t n, std::string_view word) {
  return grouped(n) + " " + (n == 1 ? std::string(word) : plural(word));
}

}  // namespace lgen
