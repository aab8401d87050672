#include "grpc_wire.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace lgen {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::uint32_t message_length(const char* prefix) {
  const auto byte = [prefix](int i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(prefix[i])); };
  return byte(1) << 24 | byte(2) << 16 | byte(3) << 8 | byte(4);
}

void append_message(std::string& out, std::string_view message, bool packed) {
  const auto size = static_cast<std::uint32_t>(message.size());
  const char prefix[kMessagePrefix] = {static_cast<char>(packed ? 1 : 0), static_cast<char>(size >> 24),
                                       static_cast<char>(size >> 16), static_cast<char>(size >> 8),
                                       static_cast<char>(size)};
  out.append(prefix, kMessagePrefix).append(message);
}

void MessageAssembly::feed(std::string_view bytes) {
  if (head_ == buffer_.size()) {
    buffer_.clear();
    head_ = 0;
  } else if (head_ > buffer_.size() / 2) {  // moves fewer bytes than were taken
    buffer_.erase(0, head_);
    head_ = 0;
  }
  buffer_.append(bytes);
}

MessageAssembly::Next MessageAssembly::next(Message& message) {
  if (held() < kMessagePrefix) return Next::more;
  const char* prefix = buffer_.data() + head_;
  if ((prefix[0] & ~1) != 0) return Next::malformed;
  announced_ = message_length(prefix);
  if (announced_ > limit_) return Next::too_large;
  if (held() - kMessagePrefix < announced_) return Next::more;
  message.packed = prefix[0] != 0;
  message.bytes = {prefix + kMessagePrefix, static_cast<std::size_t>(announced_)};
  head_ += kMessagePrefix + message.bytes.size();
  return Next::message;
}

bool MessageAssembly::has_next() const {
  if (held() < kMessagePrefix) return false;
  const char* prefix = buffer_.data() + head_;
  const std::uint64_t size = message_length(prefix);
  return (prefix[0] & ~1) != 0 || size > limit_ || held() - kMessagePrefix >= size;
}

void MessageAssembly::reset(std::size_t keep) {
  if (buffer_.capacity() > keep) std::string().swap(buffer_);
  buffer_.clear();
  head_ = 0;
}

std::string timeout_text(Duration timeout) {
  constexpr std::int64_t kMost = 99'999'999;
  constexpr std::array<std::pair<std::int64_t, char>, 6> kUnits = {{{1, 'n'},
                                                                    {1'000, 'u'},
                                                                    {1'000'000, 'm'},
                                                                    {1'000'000'000, 'S'},
                                                                    {60'000'000'000, 'M'},
                                                                    {3'600'000'000'000, 'H'}}};
  const std::int64_t ns = std::max<std::int64_t>(timeout.count(), 1);
  for (const auto& [size, letter] : kUnits) {
    const std::int64_t count = ns / size + (ns % size != 0 ? 1 : 0);
    if (count <= kMost) return std::to_string(count) + letter;
  }
  return std::to_string(kMost) + 'H';  // 292 years fit in hours
}

std::string percent_decode_message(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0) {
      decoded += text[i];
      continue;
    }
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

bool is_legal_key(std::string_view key) {
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !key.empty() && std::all_of(key.begin(), key.end(), legal);
}

bool is_legal_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

bool is_grpc_content_type(std::string_view type) {
  constexpr std::string_view kType = "application/grpc";
  if (!type.starts_with(kType)) return false;
  return type.size() == kType.size() || type[kType.size()] == '+' || type[kType.size()] == ';';
}

GrpcCode code_of_http_status(int status) {
  switch (status) {
    case 400:
      return GrpcCode::internal;
    case 401:
      return GrpcCode::unauthenticated;
    case 403:
      return GrpcCode::permission_denied;
    case 404:
      return GrpcCode::unimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return GrpcCode::unavailable;
    default:
      return GrpcCode::unknown;
  }
}

GrpcCode code_of_reset(std::uint32_t http2_error) {
  switch (http2_error) {
    case NGHTTP2_REFUSED_STREAM:
      return GrpcCode::unavailable;
    case NGHTTP2_CANCEL:
      return GrpcCode::cancelled;
    case NGHTTP2_ENHANCE_YOUR_CALM:
      return GrpcCode::resource_exhausted;
    case NGHTTP2_INADEQUATE_SECURITY:
      return GrpcCode::permission_denied;
    default:
      return GrpcCode::internal;
  }
}

GrpcCode code_of_text(std::string_view text) {
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && number >= 0 && number < kGrpcCodes ? static_cast<GrpcCode>(number) : GrpcCode::unknown;
}

std::string_view encoding_name(Compression compression) {
  if (compression == Compression::none) return {};
  return compression == Compression::gzip ? "gzip" : "deflate";
}

}  // namespace lgen
