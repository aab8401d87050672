// What the header blocks of a gRPC answer say: headers, trailers, status, encoding; and whether it is gRPC at all.
// Thread: the loop's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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
  std::string_view content_type() const { return rare_ ? rare_->content_type : std::string_view(); }
  Encoding encoding() const { return encoding_; }
  std::string_view encoding_text() const { return rare_ ? rare_->encoding_text : std::string_view(); }
  /// As told by grpc-status, grpc-message and grpc-status-details-bin.
  GrpcStatus status() const;

  /// Views into this, for plans: what gRPC itself is made of is left out.
  void view_headers(MetadataView& view) const;
  void view_trailers(MetadataView& view) const { view_range(fields_, headers_end_, fields_.size(), view); }
  /// Before anything follows the headers: they are kept together with all others that are the same as `last`, so that
  /// an answer which goes on for hours holds next to nothing.
  void share_headers(std::shared_ptr<const std::string>& last);

  /// Forgets everything but the room.
  void reset();

 private:
  static constexpr std::uint32_t kMost = 64 << 10;  // bytes of all fields, as HPACK counts them

  /// Texts that a good answer has none of.
  struct Rare {
    std::string message;  // as it came
    std::string details;
    std::string content_type;   // when it is not gRPC's
    std::string encoding_text;  // when it is unknown
    void clear();
  };
  Rare& rare();
  bool known(std::string_view name, std::string_view value);
  void keep(std::string_view name, std::string_view value);
  static void view_range(const std::string& fields, std::size_t from, std::size_t to, MetadataView& view);

  std::string fields_;  // two sizes of 4 bytes, name, value; the headers', unless they are shared, then the trailers'
  std::shared_ptr<const std::string> headers_;  // shared
  std::uint32_t headers_end_ = 0;
  std::uint32_t size_ = 0;
  std::unique_ptr<Rare> rare_;
  int http_status_ = 0;
  GrpcCode code_ = GrpcCode::unknown;
  Encoding encoding_ = Encoding::none;
  bool begun_ = false;
  bool grpc_type_ = false;
  bool has_status_ = false;
};

}  // namespace lgen
