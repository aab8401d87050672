#include "http2_rules.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "peer_text.h"

namespace lgen {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// RFC 9113, 8.2.2.
bool of_connection(std::string_view name) {
  switch (name.size()) {
    case 7:
      return name == "upgrade";
    case 10:
      return name == "connection" || name == "keep-alive";
    case 16:
      return name == "proxy-connection";
    case 17:
      return name == "transfer-encoding";
    default:
      return false;
  }
}

/// RFC 9113, 8.2.1: printable ASCII in lower case. A colon begins the name of a pseudo-field and is in no other.
constexpr std::array<bool, 256> kNameCharacters = [] {
  std::array<bool, 256> table{};
  for (unsigned char c = 0x21; c < 0x7f; ++c) table[c] = c != ':' && (c < 'A' || c > 'Z');
  return table;
}();

bool sound_name(std::string_view name) {
  for (const unsigned char c : name) {
    if (!kNameCharacters[c]) return false;
  }
  return !name.empty();
}

/// The same section, and no other control characters either: HTTP/1.1 takes none.
bool sound_value(std::string_view value) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  return value.empty() || (!blank(value.front()) && !blank(value.back()) && is_showable(value));
}

bool sound_field(const H2Field& field) {
  if (!sound_value(field.value)) return false;
  if (field.name.starts_with(':')) return true;
  return sound_name(field.name) && !of_connection(field.name) && (field.name != "te" || field.value == "trailers");
}

bool sound(const H2Block& block) {
  for (const H2Field& field : block.fields) {
    if (!sound_field(field)) return false;
  }
  return true;
}

}  // namespace

/// Pseudo-fields come first, and in trailers not at all. Trailers are the end.
bool Http2Rules::block(H2Block& block, bool end) {
  const bool trailers = answered_;
  if (trailers && !end) return false;
  if (!block.read && !sound(block)) return false;
  block.read = true;  // should it come again, its fields need not be looked at
  status_ = 0;
  bool pseudo_over = trailers;
  for (const H2Field& field : block.fields) {
    const bool is_pseudo = field.name.starts_with(':');
    if (is_pseudo && pseudo_over) return false;
    pseudo_over = !is_pseudo;
    if (!(is_pseudo ? pseudo(field) : regular(field))) return false;
  }
  if (trailers || block.truncated) return true;
  if (status_ == 0) return false;
  answered_ = status_ >= 200;
  if (!answered_) length_.reset();
  if (answered_ && (head_ || status_ == 204 || status_ == 304)) length_ = 0;
  return true;
}

bool Http2Rules::pseudo(const H2Field& field) {
  if (field.name != ":status" || status_ != 0 || field.value.size() != 3) return false;
  for (const char c : field.value) {
    if (c < '0' || c > '9') return false;
    status_ = status_ * 10 + c - '0';
  }
  return status_ >= 100 && status_ != 101;
}

bool Http2Rules::regular(const H2Field& field) { return field.name != "content-length" || announces(field.value); }

bool Http2Rules::announces(std::string_view length) {
  if (answered_) return true;  // in trailers it says nothing
  std::uint64_t bytes = 0;
  const auto end = length.data() + length.size();
  if (length_ || !is_number(length) || std::from_chars(length.data(), end, bytes).ec != std::errc()) return false;
  length_ = bytes;
  return true;
}

bool Http2Rules::data(std::size_t size) {
  received_ += size;
  return answered_ && (!length_ || received_ <= *length_);
}

}  // namespace lgen
