#include "grpc_answer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>

#include "grpc_wire.h"
#include "lgen/base64.h"

namespace lgen {
namespace {

constexpr std::size_t kFieldOverhead = 32;  // RFC 7541, 4.1
constexpr std::size_t kKeepRoom = 4 << 10;  // given back by reset() when it was more

/// Part of the protocol and of no interest to plans.
constexpr std::array<std::string_view, 6> kHidden = {"te",
                                                     "grpc-accept-encoding",
                                                     "grpc-timeout",
                                                     "grpc-internal-encoding-request",
                                                     "grpc-server-stats-bin",
                                                     "endpoint-load-metrics-bin"};

/// Nobody below has looked for what HTTP/2 forbids. Most of it is harmless, but nothing that moves a terminal's cursor
/// shall be shown as a header.
bool is_showable(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x80 * kOnes;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {  // eight at a time, as long as they are printable ASCII
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, sizeof word);
    const std::uint64_t low = (word - 0x20 * kOnes) & ~word;            // high bit: below a space
    const std::uint64_t del = ((word ^ 0x7f * kOnes) - kOnes) & ~word;  // high bit: 0x7f
    if (((low | del | word) & kHigh) != 0) break;
  }
  return std::none_of(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(),
                      [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

bool is_hidden(std::string_view name) { return std::find(kHidden.begin(), kHidden.end(), name) != kHidden.end(); }

}  // namespace

bool GrpcAnswer::header(std::string_view name, std::string_view value) {
  const std::size_t size = size_ + name.size() + value.size() + kFieldOverhead;
  size_ = static_cast<std::uint32_t>(std::min<std::size_t>(size, kMost + 1));
  if (too_large()) return false;
  const char first = name.empty() ? '\0' : name[0];  // most names are a plan's own, and most of those begin otherwise
  const bool maybe = first == ':' || first == 'c' || first == 'g' || first == 't' || first == 'e';
  if (maybe && known(name, value)) return true;
  if (http_status_ < 100 || http_status_ >= 200) keep(name, value);
  return true;
}

/// Takes what gRPC itself is made of. grpc-status-details-bin is for plans, too.
bool GrpcAnswer::known(std::string_view name, std::string_view value) {
  if (name == ":status") {
    std::from_chars(value.data(), value.data() + value.size(), http_status_);
  } else if (name == "content-type") {
    grpc_type_ = is_grpc_content_type(value);
    if (!grpc_type_) rare().content_type = value;
  } else if (!name.starts_with("grpc-")) {
    return is_hidden(name);
  } else if (name == "grpc-status") {
    has_status_ = true;
    code_ = code_of_text(value);
  } else if (name == "grpc-message") {
    rare().message = value;
  } else if (name == "grpc-encoding") {
    encoding_ = value == "identity"  ? Encoding::none
                : value == "gzip"    ? Encoding::gzip
                : value == "deflate" ? Encoding::deflate
                                     : Encoding::unknown;
    if (encoding_ == Encoding::unknown) rare().encoding_text = value;
  } else if (name == "grpc-status-details-bin") {
    rare().details = from_base64(value).value_or("");
    return false;
  } else {
    return is_hidden(name);
  }
  return true;
}

void GrpcAnswer::Rare::clear() {
  for (std::string* text : {&message, &details, &content_type, &encoding_text}) text->clear();
}

GrpcAnswer::Rare& GrpcAnswer::rare() {
  if (!rare_) rare_ = std::make_unique<Rare>();
  return *rare_;
}

void GrpcAnswer::keep(std::string_view name, std::string_view value) {
  if (!is_showable(name) || !is_showable(value)) return;
  std::string decoded;
  if (is_binary_key(name)) {
    auto bytes = from_base64(value);
    if (!bytes) return;  // gRPC core drops such a field, too
    decoded = std::move(*bytes);
    value = decoded;
  }
  const std::uint32_t sizes[2] = {static_cast<std::uint32_t>(name.size()), static_cast<std::uint32_t>(value.size())};
  fields_.append(reinterpret_cast<const char*>(sizes), sizeof sizes).append(name).append(value);
}

/// An informational answer is forgotten; the one proper is still to come.
void GrpcAnswer::block_end(bool end) {
  if (!begun_ && http_status_ >= 100 && http_status_ < 200 && !end) {
    http_status_ = 0;
    fields_.clear();
    return;
  }
  if (!begun_ && !end) headers_end_ = static_cast<std::uint32_t>(fields_.size());
  begun_ = true;
}

GrpcStatus GrpcAnswer::status() const {
  GrpcStatus status;
  status.code = code_;
  if (!rare_) return status;
  if (!rare_->message.empty()) status.message = percent_decode_message(rare_->message);
  status.details = rare_->details;
  return status;
}

void GrpcAnswer::view_headers(MetadataView& view) const {
  if (headers_) return view_range(*headers_, 0, headers_->size(), view);
  view_range(fields_, 0, headers_end_, view);
}

void GrpcAnswer::share_headers(std::shared_ptr<const std::string>& last) {
  if (headers_ || headers_end_ != fields_.size()) return;
  if (!last || *last != fields_) last = std::make_shared<const std::string>(fields_);
  headers_ = last;
  std::string().swap(fields_);
  headers_end_ = 0;
}

void GrpcAnswer::view_range(const std::string& fields, std::size_t from, std::size_t to, MetadataView& view) {
  view.clear();
  while (from < to) {
    std::uint32_t sizes[2];
    std::memcpy(sizes, fields.data() + from, sizeof sizes);
    const char* name = fields.data() + from + sizeof sizes;
    view.emplace_back(std::string_view(name, sizes[0]), std::string_view(name + sizes[0], sizes[1]));
    from += sizeof sizes + sizes[0] + sizes[1];
  }
}

void GrpcAnswer::reset() {
  if (fields_.capacity() > kKeepRoom) std::string().swap(fields_);
  fields_.clear();
  headers_.reset();
  if (rare_) rare_->clear();
  headers_end_ = size_ = 0;
  http_status_ = 0;
  code_ = GrpcCode::unknown;
  encoding_ = Encoding::none;
  begun_ = grpc_type_ = has_status_ = false;
}

}  // namespace lgen
