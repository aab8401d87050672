// The C surface's raw material as C++ values: metadata both ways, message buffers, statuses.
// lgen uses gRPC's C surface (grpc/grpc.h, what Python, Ruby and PHP build on) below GenericStub's level: it saves the
// C++ wrapper's copies, locks and 3 KB of operation sets for every open stream.
// Thread: the loop's.
#pragma once

#include <grpc/grpc.h>

#include <string>
#include <string_view>
#include <vector>

#include "lgen/grpc.h"

namespace lgen {

inline std::string_view view_of(const grpc_slice& slice) {
  return {reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(slice)), GRPC_SLICE_LENGTH(slice)};
}

/// A view that has to live only through one call into gRPC.
inline grpc_slice borrow(std::string_view text) { return grpc_slice_from_static_buffer(text.data(), text.size()); }

/// Request headers for one batch: gRPC takes its own references inside grpc_call_start_batch().
class SendMetadata {
 public:
  SendMetadata() = default;
  ~SendMetadata() { clear(); }
  SendMetadata(const SendMetadata&) = delete;
  SendMetadata& operator=(const SendMetadata&) = delete;

  /// False for a key or value that HTTP/2 cannot carry; `bad` is then the key.
  bool assign(const Metadata* metadata, std::optional<Compression> compression, std::string_view& bad);
  void clear();
  grpc_op op(bool wait_for_ready);

 private:
  void add(std::string_view key, std::string_view value);
  std::vector<grpc_metadata> entries_;
};

/// Headers or trailers received; the bytes belong to the call.
class ReceivedMetadata {
 public:
  ReceivedMetadata() { grpc_metadata_array_init(&array_); }
  ~ReceivedMetadata() { grpc_metadata_array_destroy(&array_); }
  ReceivedMetadata(const ReceivedMetadata&) = delete;
  ReceivedMetadata& operator=(const ReceivedMetadata&) = delete;

  grpc_metadata_array* array() { return &array_; }
  const grpc_metadata_array& entries() const { return array_; }
  /// Forgets the entries, keeps the room.
  void reset() { array_.count = 0; }
  void view_into(MetadataView& view) const;

 private:
  grpc_metadata_array array_;
};

/// A message on its way in or out, in a byte buffer that is used again and again.
class SendBuffer {
 public:
  SendBuffer() = default;
  ~SendBuffer();
  SendBuffer(const SendBuffer&) = delete;
  SendBuffer& operator=(const SendBuffer&) = delete;

  /// Takes over the slice.
  void assign(grpc_slice slice);
  void clear();
  grpc_byte_buffer* get() const { return buffer_; }

 private:
  grpc_byte_buffer* buffer_ = nullptr;
};

/// The bytes of a received message, copied into `scratch` only when they came in pieces.
std::string_view flatten(grpc_byte_buffer* buffer, std::string& scratch);

/// RECV_STATUS_ON_CLIENT's results.
struct ReceivedStatus {
  int code = GRPC_STATUS_OK;  // any number a server sends; gRPC's enum does not hold them all
  grpc_slice message = grpc_empty_slice();
  ReceivedMetadata trailers;

  grpc_op op();
  GrpcStatus to_status() const;
  void reset();
};

}  // namespace lgen
