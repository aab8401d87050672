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

H2Fields GrpcRequest::headers(const std::string& path, std::optional<Duration> timeout, Compression compression,
                              const Metadata* metadata) {
  Block& block = block_of({&path, timeout, compression});
  block.fields.resize(block.fixed);
  if (metadata != nullptr) add_metadata(*metadata, block.fields);
  return {block.fields, block.fixed, block.serial};
}

/// Most calls of a channel are like one of the last few.
GrpcRequest::Block& GrpcRequest::block_of(const Shape& shape) {
  for (std::size_t i = 0; i < kBlocks; ++i) {
    const std::size_t at = (likely_ + i) % kBlocks;
    if (blocks_[at].fixed == 0 || blocks_[at].shape != shape) continue;
    likely_ = at;
    return blocks_[at];
  }
  Block& block = blocks_[next_];
  next_ = (next_ + 1) % kBlocks;
  make(block, shape);
  return block;
}

void GrpcRequest::make(Block& block, const Shape& shape) const {
  std::vector<nghttp2_nv>& fields = block.fields;
  fields.clear();
  fields.push_back(field(":method", "POST"));
  fields.push_back(field(":scheme", tls_ ? "https" : "http"));
  fields.push_back(field(":path", *shape.path));
  fields.push_back(field(":authority", authority_));
  fields.push_back(field("te", "trailers"));
  if (shape.timeout) {
    block.timeout = timeout_text(*shape.timeout);
    fields.push_back(field("grpc-timeout", block.timeout));
  }
  fields.push_back(field("content-type", "application/grpc"));
  if (shape.compression != Compression::none) {
    fields.push_back(field("grpc-encoding", encoding_name(shape.compression)));
  }
  fields.push_back(field("grpc-accept-encoding", "identity, deflate, gzip"));
  fields.push_back(field("user-agent", agent_));
  block.shape = shape;
  block.fixed = fields.size();
  block.serial = new_h2_serial();
}

void GrpcRequest::add_metadata(const Metadata& metadata, std::vector<nghttp2_nv>& fields) {
  encoded_.clear();
  encoded_.reserve(metadata.size());  // views into it stay
  for (const auto& [key, plain] : metadata) {
    std::string_view value = plain;
    if (is_binary_key(key)) value = encoded_.emplace_back(to_base64(plain, Base64::unpadded));
    fields.push_back(field(key, value, repeats(key, value) ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX));
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
