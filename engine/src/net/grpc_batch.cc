#include "grpc_batch.h"

#include <grpc/byte_buffer.h>
#include <grpc/slice_buffer.h>

namespace lgen {
namespace {

constexpr std::string_view kDetailsKey = "grpc-status-details-bin";
constexpr std::string_view kEncodingKey = "grpc-internal-encoding-request";  // what the C++ wrapper sends, too

std::string_view encoding_name(Compression compression) {
  if (compression == Compression::none) return "identity";
  return compression == Compression::gzip ? "gzip" : "deflate";
}

}  // namespace

void SendMetadata::add(std::string_view key, std::string_view value) {
  grpc_metadata entry{};
  entry.key = borrow(key);
  entry.value = grpc_slice_from_copied_buffer(value.data(), value.size());
  entries_.push_back(entry);
}

bool SendMetadata::assign(const Metadata* metadata, std::optional<Compression> compression, std::string_view& bad) {
  clear();
  if (compression) add(kEncodingKey, encoding_name(*compression));
  if (metadata == nullptr) return true;
  for (const auto& [key, value] : *metadata) {
    add(key, value);
    const grpc_metadata& entry = entries_.back();
    const bool legal = grpc_header_key_is_legal(entry.key) &&
                       (grpc_is_binary_header(entry.key) || grpc_header_nonbin_value_is_legal(entry.value));
    if (legal) continue;
    bad = key;
    return false;
  }
  return true;
}

void SendMetadata::clear() {
  for (grpc_metadata& entry : entries_) grpc_slice_unref(entry.value);
  entries_.clear();
}

grpc_op SendMetadata::op(bool wait_for_ready) {
  grpc_op op{};
  op.op = GRPC_OP_SEND_INITIAL_METADATA;
  if (wait_for_ready) {
    op.flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY | GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET;
  }
  op.data.send_initial_metadata.count = entries_.size();
  op.data.send_initial_metadata.metadata = entries_.data();
  return op;
}

void ReceivedMetadata::view_into(MetadataView& view) const {
  view.clear();
  for (std::size_t i = 0; i < array_.count; ++i) {
    view.emplace_back(view_of(array_.metadata[i].key), view_of(array_.metadata[i].value));
  }
}

SendBuffer::~SendBuffer() {
  if (buffer_ != nullptr) grpc_byte_buffer_destroy(buffer_);
}

void SendBuffer::assign(grpc_slice slice) {
  if (buffer_ == nullptr) buffer_ = grpc_raw_byte_buffer_create(nullptr, 0);
  clear();
  grpc_slice_buffer_add(&buffer_->data.raw.slice_buffer, slice);
}

void SendBuffer::clear() {
  if (buffer_ != nullptr) grpc_slice_buffer_reset_and_unref(&buffer_->data.raw.slice_buffer);
}

std::string_view flatten(grpc_byte_buffer* buffer, std::string& scratch) {
  if (buffer == nullptr) return {};
  const grpc_slice_buffer& slices = buffer->data.raw.slice_buffer;
  if (slices.count == 0) return {};
  if (slices.count == 1) return view_of(slices.slices[0]);
  scratch.clear();
  scratch.reserve(slices.length);
  for (std::size_t i = 0; i < slices.count; ++i) scratch.append(view_of(slices.slices[i]));
  return scratch;
}

grpc_op ReceivedStatus::op() {
  grpc_op op{};
  op.op = GRPC_OP_RECV_STATUS_ON_CLIENT;
  op.data.recv_status_on_client.trailing_metadata = trailers.array();
  static_assert(sizeof(grpc_status_code) == sizeof(int));
  op.data.recv_status_on_client.status = reinterpret_cast<grpc_status_code*>(&code);
  op.data.recv_status_on_client.status_details = &message;
  return op;
}

GrpcStatus ReceivedStatus::to_status() const {
  GrpcStatus status;
  status.code = code >= 0 && code < kGrpcCodes ? static_cast<GrpcCode>(code) : GrpcCode::unknown;
  status.message = view_of(message);
  const grpc_metadata_array& entries = trailers.entries();
  for (std::size_t i = 0; i < entries.count; ++i) {
    if (view_of(entries.metadata[i].key) == kDetailsKey) status.details = view_of(entries.metadata[i].value);
  }
  return status;
}

void ReceivedStatus::reset() {
  grpc_slice_unref(message);
  message = grpc_empty_slice();
  code = GRPC_STATUS_OK;
  trailers.reset();
}

}  // namespace lgen
