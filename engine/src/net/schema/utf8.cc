// Validity of UTF-8 as RFC 3629 has it: shortest form only, no surrogates, nothing above U+10FFFF.
//
// Nearly all strings of a load test are ASCII, so eight bytes at a time are looked at for one that is not; only from
// there on bytes are taken one by one.
#include "lgen/wire.h"

namespace lgen {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;

std::uint64_t eight_bytes(const std::uint8_t* p) {
  std::uint64_t word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

/// A number of bytes that are ASCII for certain: all, or less than there are.
std::size_t ascii_prefix(const std::uint8_t* p, std::size_t size) {
  if (size < 8) return 0;
  std::size_t at = 0;
  for (; at + 8 <= size; at += 8) {
    if ((eight_bytes(p + at) & kHighBits) != 0) return at;
  }
  return (eight_bytes(p + size - 8) & kHighBits) == 0 ? size : at;  // the last word may overlap the one before
}

bool is_continuation(std::uint8_t byte) { return (byte & 0xC0) == 0x80; }

/// Length of the valid multi-byte sequence at `p`, or 0.
std::size_t sequence_length(const std::uint8_t* p, std::size_t left) {
  const std::uint8_t lead = p[0];
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (lead < 0xC2 || lead > 0xF4 || left < length) return 0;
  // The second byte's range depends on the lead: it keeps out long forms, surrogates and what is too great.
  const std::uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const std::uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (p[1] < low || p[1] > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (!is_continuation(p[i])) return 0;
  }
  return length;
}

}  // namespace

bool is_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const std::uint8_t*>(text.data());
  const std::uint8_t* const end = p + text.size();
  p += ascii_prefix(p, text.size());
  while (p < end) {
    const std::size_t length = *p < 0x80 ? 1 : sequence_length(p, static_cast<std::size_t>(end - p));
    if (length == 0) return false;
    p += length;
  }
  return true;
}

}  // namespace lgen
