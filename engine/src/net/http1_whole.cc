#include "http1_whole.h"

#include <array>
#include <cstring>

namespace lgen {
namespace {

/// Of a header's name, by RFC 9110.
constexpr std::array<bool, 256> kToken = [] {
  std::array<bool, 256> token{};
  for (const unsigned char c : std::string_view("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                "abcdefghijklmnopqrstuvwxyz")) {
    token[c] = true;
  }
  return token;
}();

constexpr bool plain(char c) { return (c >= 0x20 && c < 0x7f) || c == '\t'; }
constexpr bool blank(char c) { return c == ' ' || c == '\t'; }

/// Eight at a time: they are plain, and none is a tab. A byte below 0x20 borrows from its highest bit, one from 0x7f on
/// has that bit or gets it by one more.
bool eight_plain(const char* bytes) {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  const std::uint64_t below = (word - 0x20 * kEach) & ~word;
  const std::uint64_t above = (word + kEach) | word;
  return ((below | above) & (0x80 * kEach)) == 0;
}

/// `lower` is in lower case.
bool same(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c) != lower[i]) return false;
  }
  return true;
}

constexpr std::size_t kMostDigits = 12;

std::optional<std::uint64_t> number(std::string_view digits) {
  if (digits.empty() || digits.size() > kMostDigits) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

/// The end of a line of plain characters from `at`, at its "\r\n"; 0: there is none.
std::size_t line_end(std::string_view bytes, std::size_t at) {
  while (at + 8 <= bytes.size() && eight_plain(bytes.data() + at)) at += 8;
  while (at < bytes.size() && plain(bytes[at])) ++at;
  return at + 1 < bytes.size() && bytes[at] == '\r' && bytes[at + 1] == '\n' ? at : 0;
}

/// Headers that change how a message is read, and Content-Length itself. false: not by this way.
bool usual(std::string_view name, std::string_view value, std::optional<std::uint64_t>& length) {
  switch (name.size()) {
    case 7:
      return !same(name, "upgrade");
    case 10:
      return !same(name, "connection") || same(value, "keep-alive");
    case 14:
      if (!same(name, "content-length")) return true;
      if (length) return false;
      length = number(value);
      return length.has_value();
    case 16:
      return !same(name, "proxy-connection") && !same(name, "content-encoding");
    case 17:
      return !same(name, "transfer-encoding");
    default:
      return true;
  }
}

}  // namespace

std::optional<Http1Whole> read_whole(std::string_view bytes, std::vector<Http1Whole::Field>& fields) {
  constexpr std::string_view kStart = "HTTP/1.1 ";
  constexpr std::size_t kReason = kStart.size() + 4;
  if (bytes.size() < kReason || !bytes.starts_with(kStart) || bytes[kReason - 1] != ' ') return std::nullopt;
  const auto status = number(bytes.substr(kStart.size(), 3));
  if (!status || *status < 200 || *status > 599 || *status == 204 || *status == 304) return std::nullopt;
  std::size_t end = line_end(bytes, kReason);
  if (end == 0) return std::nullopt;
  Http1Whole whole{.status = static_cast<int>(*status), .reason = bytes.substr(kReason, end - kReason)};
  std::optional<std::uint64_t> length;
  std::size_t at = end + 2;
  while (at + 1 < bytes.size() && bytes[at] != '\r') {
    const std::size_t name = at;
    while (at < bytes.size() && kToken[static_cast<unsigned char>(bytes[at])]) ++at;
    if (at == name || at == bytes.size() || bytes[at] != ':') return std::nullopt;
    const std::size_t name_size = at++ - name;
    while (at < bytes.size() && blank(bytes[at])) ++at;
    end = line_end(bytes, at);
    if (end == 0) return std::nullopt;
    std::size_t last = end;
    while (last > at && blank(bytes[last - 1])) --last;
    if (!usual(bytes.substr(name, name_size), bytes.substr(at, last - at), length)) return std::nullopt;
    fields.push_back({name, name_size, at, last - at});
    at = end + 2;
  }
  if (at + 1 >= bytes.size() || bytes[at + 1] != '\n' || !length) return std::nullopt;
  whole.head = at + 2;
  whole.length = *length;
  if (bytes.size() - whole.head < whole.length) return std::nullopt;
  return whole;
}

}  // namespace lgen
