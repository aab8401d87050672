#include "grpc_request.h"

#include <algorithm>

#include "grpc_wire.h"
#include "lgen/base64.h"
#include "lgen/version.h"

namespace lgen {
namespace {

constexpr std::size_t kRemembered = 32;  // metadata keys

nghttp2_nv field(std::string_view name, std::string_view value, std::uint8_t flags = NGHTTP2_NV_FLAG_NONE) {
  const auto bytes = [](std::string_view text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), flags};
}

}  // namespace

GrpcRequest::GrpcRequest(const ChannelOptions& options, std::string authority)
    : authority_(std::move(authority)),
      agent_((options.user_agent.empty() ? "" : options.user_agent + " ") + "grpc-lgen-h2/" + std::string(kVersion)),
      tls_(options.tls.has_value()) {}

const std::string& GrpcRequest::path(std::string_view method) {
  if (last_path_ != nullptr && *last_path_ == method) return *last_path_;
  auto found = paths_.find(method);
  if (found == paths_.end()) found = paths_.emplace(method).first;
  last_path_ = &*found;
  return *found;
}

Outcome GrpcRequest::check(const Metadata& metadata) {
  for (const auto& [key, value] : metadata) {
    if (is_legal_key(key) && (is_binary_key(key) || is_legal_value(value))) continue;
    return make_error(ErrorCode::invalid_argument, "metadata '" + key + "': not a header HTTP/2 can carry");
  }
  return Done{};
}

/// Most calls of a channel are alike: the block is made anew only when it changes.
H2Fields GrpcRequest::headers(const std::string& path, std::optional<Duration> timeout, Compression compression,
                              const Metadata* metadata) {
  const Shape shape{&path, timeout, compression};
  if (fixed_ == 0 || shape != shape_) make_fixed(shape);
  block_.resize(fixed_);
  if (metadata != nullptr) add_metadata(*metadata);
  return {block_, fixed_, serial_};
}

void GrpcRequest::make_fixed(const Shape& shape) {
  block_.clear();
  block_.push_back(field(":method", "POST"));
  block_.push_back(field(":scheme", tls_ ? "https" : "http"));
  block_.push_back(field(":path", *shape.path));
  block_.push_back(field(":authority", authority_));
  block_.push_back(field("te", "trailers"));
  if (shape.timeout) {
    if (shape.timeout != shape_.timeout) timeout_text_ = timeout_text(*shape.timeout);
    block_.push_back(field("grpc-timeout", timeout_text_));
  }
  block_.push_back(field("content-type", "application/grpc"));
  if (shape.compression != Compression::none) {
    block_.push_back(field("grpc-encoding", encoding_name(shape.compression)));
  }
  block_.push_back(field("grpc-accept-encoding", "identity, deflate, gzip"));
  block_.push_back(field("user-agent", agent_));
  shape_ = shape;
  fixed_ = block_.size();
  serial_ = new_h2_serial();
}

void GrpcRequest::add_metadata(const Metadata& metadata) {
  encoded_.clear();
  encoded_.reserve(metadata.size());  // views into it stay
  for (const auto& [key, plain] : metadata) {
    std::string_view value = plain;
    if (is_binary_key(key)) value = encoded_.emplace_back(to_base64(plain, Base64::unpadded));
    block_.push_back(field(key, value, repeats(key, value) ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX));
  }
}

/// A value that comes twice in a row is likely to come again; others would only push useful ones out of the table.
bool GrpcRequest::repeats(std::string_view key, std::string_view value) {
  const auto last =
      std::find_if(last_values_.begin(), last_values_.end(), [&](auto& kept) { return kept.first == key; });
  if (last == last_values_.end()) {
    if (last_values_.size() < kRemembered) last_values_.emplace_back(key, value);
    return false;
  }
  if (last->second == value) return true;
  last->second = value;
  return false;
}

}  // namespace lgen
