#include "peer_text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace lgen {

namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x80 * kOnes;

/// Of eight bytes; the high bit of one is set: it is not printable ASCII.
std::uint64_t odd_bytes(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  const std::uint64_t low = (word - 0x20 * kOnes) & ~word;            // below a space
  const std::uint64_t del = ((word ^ 0x7f * kOnes) - kOnes) & ~word;  // 0x7f
  return (low | del | word) & kHigh;
}

}  // namespace

/// Mostly all is printable ASCII: eight bytes at a time, the last eight as they end the text.
bool is_showable(std::string_view text) {
  if (text.size() >= 8) {
    std::uint64_t odd = odd_bytes(text.data() + text.size() - 8);
    for (std::size_t at = 0; at + 8 < text.size(); at += 8) odd |= odd_bytes(text.data() + at);
    if (odd == 0) return true;
  }
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

std::string visible(std::string_view text) {
  std::string shown(text);
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return shown;
}

}  // namespace lgen
