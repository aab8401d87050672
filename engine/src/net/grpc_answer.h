// What the header blocks of a gRPC answer say: headers, trailers, status, encoding; and whether it is gRPC at all.
// Thread: the loop's.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "lgen/grpc.h"

namespace lgen {

class GrpcAnswer {
 public:
  enum class Encoding { none, gzip, deflate, unknown };

  /// One field of the block that is being read. false: more than anybody needs; end the call.
  bool header(std::string_view name, std::string_view value);
  /// The block is complete; `end`: nothing follows, so that a first block is trailers alone.
  void block_end(bool end);

  /// The answer itself has begun, informational ones aside.
  bool begun() const { return begun_; }
  /// It has, and no gRPC server speaks so: another HTTP status, or another content type.
  bool foreign() const { return begun_ && !has_status_ && (http_status_ != 200 || !grpc_type_); }
  bool has_status() const { return has_status_; }
  bool too_large() const { return size_ > kMost; }
  int http_status() const { return http_status_; }
  std::string_view content_type() const { return content_type_; }
  Encoding encoding() const { return encoding_; }
  std::string_view encoding_text() const { return encoding_text_; }
  /// As told by grpc-status, grpc-message and grpc-status-details-bin.
  GrpcStatus status() const;

  /// Views into this, for plans: what gRPC itself is made of is left out.
  void view_headers(MetadataView& view) const { view_range(0, headers_end_, view); }
  void view_trailers(MetadataView& view) const { view_range(headers_end_, fields_.size(), view); }

  /// Forgets everything but the room.
  void reset();

 private:
  static constexpr std::size_t kMost = 64 << 10;  // bytes of all fields, as HPACK counts them
  bool known(std::string_view name, std::string_view value);
  void keep(std::string_view name, std::string_view value);
  void view_range(std::size_t from, std::size_t to, MetadataView& view) const;

  std::string fields_;  // two sizes of 4 bytes, name, value; the headers' first, then the trailers'
  std::size_t headers_end_ = 0;
  std::size_t size_ = 0;
  std::string message_;  // as it came
  std::string details_;
  std::string content_type_;   // when it is not gRPC's
  std::string encoding_text_;  // when it is unknown
  int http_status_ = 0;
  GrpcCode code_ = GrpcCode::unknown;
  Encoding encoding_ = Encoding::none;
  bool begun_ = false;
  bool grpc_type_ = false;
  bool has_status_ = false;
};

}  // namespace lgen
