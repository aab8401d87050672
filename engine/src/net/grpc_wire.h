// gRPC over HTTP/2 as bytes and texts: message framing, timeouts, percent-encoding, and which gRPC code stands for what
// went wrong below it. The rules are those of gRPC's PROTOCOL-HTTP2.md and http-grpc-status-mapping.md.
// Thread: pure functions and values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "lgen/grpc.h"
#include "lgen/time.h"

namespace lgen {

inline constexpr std::size_t kMessagePrefix = 5;  // one byte: packed or not; four: the length, big-endian

/// Of the message behind `prefix`, of which all kMessagePrefix bytes are there.
std::uint32_t message_length(const char* prefix);

/// Appends a message with its prefix.
void append_message(std::string& out, std::string_view message, bool packed = false);

/// Messages out of DATA frames, whose boundaries mean nothing.
class MessageAssembly {
 public:
  enum class Next { message, more, too_large, malformed };
  struct Message {
    std::string_view bytes;  // valid until the next feed()
    bool packed = false;
  };

  /// A message that is longer is told by next() as soon as its prefix is there.
  void set_limit(std::optional<std::uint64_t> limit) { limit_ = limit.value_or(kNoLimit); }
  void feed(std::string_view bytes);
  /// The next whole message. After `too_large` or `malformed` always the same.
  Next next(Message& message);

  /// next() has something to say, be it that something is wrong.
  bool has_next() const;
  /// Nothing is left: the bytes fed so far end where a message does.
  bool empty() const { return head_ == buffer_.size(); }
  /// Bytes fed and not yet taken as messages.
  std::size_t held() const { return buffer_.size() - head_; }
  /// Of the message that was too large.
  std::uint64_t announced() const { return announced_; }
  /// Forgets everything; room beyond `keep` bytes is given back.
  void reset(std::size_t keep);

 private:
  static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();
  std::string buffer_;
  std::size_t head_ = 0;
  std::uint64_t limit_ = kNoLimit;
  std::uint64_t announced_ = 0;
};

/// "5000000u": at most eight digits and a unit, as exact as fits, rounded up.
std::string timeout_text(Duration timeout);

/// grpc-message: what is not printable ASCII comes as %41. A broken escape stays as it is.
std::string percent_decode_message(std::string_view text);

/// Keys whose values travel in base64: sent without padding, read with or without.
inline bool is_binary_key(std::string_view key) { return key.ends_with("-bin"); }
/// What HTTP/2 and gRPC allow in a metadata key, and in a value that is not binary.
bool is_legal_key(std::string_view key);
bool is_legal_value(std::string_view value);

/// "application/grpc", alone or with +proto or ;charset.
bool is_grpc_content_type(std::string_view type);
/// The code of an answer without grpc-status.
GrpcCode code_of_http_status(int status);
/// The code of a stream that was reset with an HTTP/2 error code.
GrpcCode code_of_reset(std::uint32_t http2_error);
/// grpc-status as text; anything but 0..16 is UNKNOWN.
GrpcCode code_of_text(std::string_view text);

/// "" (identity is not told), "gzip" or "deflate".
std::string_view encoding_name(Compression compression);

}  // namespace lgen
