#include "grpc_answer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "grpc_wire.h"
#include "lgen/base64.h"
#include "peer_text.h"

namespace lgen {
namespace {

/// Part of the protocol and of no interest to plans.
constexpr std::array<std::string_view, 6> kHidden = {"te",
                                                     "grpc-accept-encoding",
                                                     "grpc-timeout",
                                                     "grpc-internal-encoding-request",
                                                     "grpc-server-stats-bin",
                                                     "endpoint-load-metrics-bin"};

bool is_hidden(std::string_view name) { return std::find(kHidden.begin(), kHidden.end(), name) != kHidden.end(); }

}  // namespace

/// Views into the text come last, when it moves no more.
void GrpcBlock::read(const H2Block& block) {
  for (std::string* text : {&message, &details, &type, &encoding_text, &text_}) text->clear();
  sizes_.clear();
  http_status = 0;
  code = GrpcCode::unknown;
  encoding = GrpcEncoding::none;
  has_status = has_type = is_grpc = has_encoding = false;
  for (const H2Field& field : block.fields) {
    if (!known(field.name, field.value)) keep(field.name, field.value);
  }
  fields.clear();
  std::string_view text = text_;
  for (const auto& [name, value] : sizes_) {
    fields.emplace_back(text.substr(0, name), text.substr(name, value));
    text.remove_prefix(name + value);
  }
}

/// Takes what gRPC itself is made of. grpc-status-details-bin is for plans, too.
bool GrpcBlock::known(std::string_view name, std::string_view value) {
  if (name == ":status") {
    std::from_chars(value.data(), value.data() + value.size(), http_status);
  } else if (name == "content-type") {
    has_type = true;
    is_grpc = is_grpc_content_type(value);
    if (!is_grpc) type = value;
  } else if (!name.starts_with("grpc-")) {
    return is_hidden(name);
  } else if (name == "grpc-status") {
    has_status = true;
    code = code_of_text(value);
  } else if (name == "grpc-message") {
    message = value;
  } else if (name == "grpc-encoding") {
    has_encoding = true;
    encoding = value == "identity"  ? GrpcEncoding::none
               : value == "gzip"    ? GrpcEncoding::gzip
               : value == "deflate" ? GrpcEncoding::deflate
                                    : GrpcEncoding::unknown;
    if (encoding == GrpcEncoding::unknown) encoding_text = value;
  } else if (name == "grpc-status-details-bin") {
    details = from_base64(value).value_or("");
    return false;
  } else {
    return is_hidden(name);
  }
  return true;
}

/// Nobody below has looked for what HTTP/2 forbids. Most of it is harmless, but nothing that moves a terminal's cursor
/// shall be shown as a header.
void GrpcBlock::keep(std::string_view name, std::string_view value) {
  if (!is_showable(name) || !is_showable(value)) return;
  std::string decoded;
  if (is_binary_key(name)) {
    auto bytes = from_base64(value);
    if (!bytes) return;  // gRPC core drops such a field, too
    decoded = std::move(*bytes);
    value = decoded;
  }
  text_.append(name).append(value);
  sizes_.emplace_back(name.size(), value.size());
}

const MetadataView GrpcAnswer::kNone;

/// What was made of a block that is gone is made use of again, when nobody has it any more.
static std::shared_ptr<GrpcBlock> reading_of(H2Block& block) {
  auto known = std::static_pointer_cast<GrpcBlock>(block.reading);
  if (block.read) return known;
  block.reading.reset();
  if (!known || known.use_count() > 1) known = std::make_shared<GrpcBlock>();
  known->read(block);
  block.reading = known;
  block.read = true;
  return known;
}

/// An informational answer is forgotten; the one proper is still to come.
bool GrpcAnswer::take(H2Block& block, bool end) {
  size_ = static_cast<std::uint32_t>(std::min(size_ + block.size, kMost + 1));
  if (block.truncated || size_ > kMost) return false;
  std::shared_ptr<const GrpcBlock> said = reading_of(block);
  if (said->http_status != 0) http_status_ = said->http_status;
  if (said->has_type) grpc_type_ = said->is_grpc;
  if (said->has_encoding) encoding_ = said->encoding;
  if (said->has_status) {
    has_status_ = true;
    code_ = said->code;
  }
  if (!begun_ && http_status_ >= 100 && http_status_ < 200 && !end) {
    http_status_ = 0;
    return true;
  }
  (!begun_ && !end ? headers_ : trailers_) = std::move(said);
  begun_ = true;
  return true;
}

std::string_view GrpcAnswer::said(std::string GrpcBlock::*text) const {
  if (headers_ && !((*headers_).*text).empty()) return (*headers_).*text;
  return trailers_ ? std::string_view((*trailers_).*text) : std::string_view();
}

GrpcStatus GrpcAnswer::status() const {
  GrpcStatus status;
  status.code = code_;
  if (const auto message = said(&GrpcBlock::message); !message.empty())
    status.message = percent_decode_message(message);
  status.details = said(&GrpcBlock::details);
  return status;
}

}  // namespace lgen
