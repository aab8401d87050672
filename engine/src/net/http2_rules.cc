#include "http2_rules.h"

#include <algorithm>
#include <charconv>

namespace lgen {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// RFC 9113, 8.2.2.
bool of_connection(std::string_view name) {
  constexpr std::string_view kNames[] = {"connection", "keep-alive", "proxy-connection", "transfer-encoding",
                                         "upgrade"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

bool has_capital(std::string_view name) {
  return std::any_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace

/// Pseudo-fields come first, and in trailers not at all. Trailers are the end.
bool Http2Rules::block(const H2Block& block, bool end) {
  const bool trailers = answered_;
  if (trailers && !end) return false;
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
  if (field.name != ":status" || status_ != 0 || field.value.size() != 3 || !is_number(field.value)) return false;
  std::from_chars(field.value.data(), field.value.data() + 3, status_);
  return status_ >= 100 && status_ != 101;
}

bool Http2Rules::regular(const H2Field& field) {
  if (field.name.empty() || has_capital(field.name) || of_connection(field.name)) return false;
  if (field.name == "te") return field.value == "trailers";
  return field.name != "content-length" || announces(field.value);
}

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
