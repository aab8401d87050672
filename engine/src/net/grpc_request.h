// The fields of a gRPC request. What is the same for every call of a channel is made once and known by a serial, so
// that it is encoded once; values that change with every call are kept out of the peer's table. Thread: the loop's.
#pragma once

#include <nghttp2/nghttp2.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "h2_hpack.h"
#include "lgen/grpc.h"

namespace lgen {

class GrpcRequest {
 public:
  GrpcRequest(const ChannelOptions& options, std::string authority);

  /// The path, kept here for good.
  const std::string& path(std::string_view method);
  /// Whether HTTP/2 can carry it; the text names the key that it cannot.
  static Outcome check(const Metadata& metadata);

  /// In the order gRPC prescribes. Valid until the next call; to be submitted at once.
  H2Fields headers(const std::string& path, std::optional<Duration> timeout, Compression compression,
                   const Metadata* metadata);

 private:
  /// What the fields of a block without metadata depend on.
  struct Shape {
    const std::string* path = nullptr;
    std::optional<Duration> timeout;
    Compression compression = Compression::none;
    bool operator==(const Shape&) const = default;
  };
  void make_fixed(const Shape& shape);
  void add_metadata(const Metadata& metadata);
  bool repeats(std::string_view key, std::string_view value);

  const std::string authority_;
  const std::string agent_;
  const bool tls_;
  std::set<std::string, std::less<>> paths_;
  const std::string* last_path_ = nullptr;
  Shape shape_;                                                   // of the block there is
  std::size_t fixed_ = 0;                                         // fields of it before the metadata
  std::uint64_t serial_ = 0;                                      // of these
  std::string timeout_text_;                                      // of shape_
  std::vector<std::pair<std::string, std::string>> last_values_;  // of metadata keys
  std::vector<std::string> encoded_;                              // -bin values of the block being made
  std::vector<nghttp2_nv> block_;
};

}  // namespace lgen
