// What the header blocks of a gRPC answer say: headers, trailers, status, encoding; and whether it is gRPC at all.
// Thread: the loop's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "h2_hpack.h"
#include "lgen/grpc.h"

namespace lgen {

enum class GrpcEncoding : std::uint8_t { none, gzip, deflate, unknown };

/// One block, as gRPC reads it. It is shared by all answers in which the same block has come, so that a load's are read
/// once and an answer that goes on for hours holds next to nothing.
class GrpcBlock {
 public:
  /// Takes the place of what there was, and of its room.
  void read(const H2Block& block);

  MetadataView fields;        // for plans: what gRPC itself is made of is left out
  std::string message;        // grpc-message, as it came
  std::string details;        // of grpc-status-details-bin
  std::string type;           // content-type, when it is not gRPC's
  std::string encoding_text;  // when it is unknown
  int http_status = 0;
  GrpcCode code = GrpcCode::unknown;
  GrpcEncoding encoding = GrpcEncoding::none;
  bool has_status = false, has_type = false, is_grpc = false, has_encoding = false;

 private:
  bool known(std::string_view name, std::string_view value);
  void keep(std::string_view name, std::string_view value);
  void show();

  std::string text_;  // names and values of the fields, one behind the other
  std::vector<std::pair<std::size_t, std::size_t>> sizes_;
};

class GrpcAnswer {
 public:
  /// The next block. `end`: nothing follows, so that a first block is trailers alone. false: that is more than anybody
  /// needs; end the call.
  bool take(H2Block& block, bool end);

  /// The answer itself has begun, informational ones aside.
  bool begun() const { return begun_; }
  /// It has, and no gRPC server speaks so: another HTTP status, or another content type.
  bool foreign() const { return begun_ && !has_status_ && (http_status_ != 200 || !grpc_type_); }
  bool has_status() const { return has_status_; }
  int http_status() const { return http_status_; }
  std::string_view content_type() const { return said(&GrpcBlock::type); }
  GrpcEncoding encoding() const { return encoding_; }
  std::string_view encoding_text() const { return said(&GrpcBlock::encoding_text); }
  /// As told by grpc-status, grpc-message and grpc-status-details-bin.
  GrpcStatus status() const;

  /// For plans; they last as long as this.
  const MetadataView& headers() const { return headers_ ? headers_->fields : kNone; }
  const MetadataView& trailers() const { return trailers_ ? trailers_->fields : kNone; }
  /// Keeps the headers, for whoever may destroy this.
  std::shared_ptr<const GrpcBlock> keep_headers() const { return headers_; }

  /// Forgets everything.
  void reset() { *this = GrpcAnswer(); }

 private:
  static constexpr std::size_t kMost = 64 << 10;  // bytes of all fields, as HPACK counts them
  static const MetadataView kNone;
  std::string_view said(std::string GrpcBlock::*text) const;

  std::shared_ptr<const GrpcBlock> headers_, trailers_;
  std::uint32_t size_ = 0;
  int http_status_ = 0;
  GrpcCode code_ = GrpcCode::unknown;
  GrpcEncoding encoding_ = GrpcEncoding::none;
  bool begun_ = false;
  bool grpc_type_ = false;
  bool has_status_ = false;
};

}  // namespace lgen
