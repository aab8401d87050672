// The fields of a gRPC request. What is the same for every call of a channel is made once and known by a serial, so
// that it is encoded once; values that change with every call are kept out of the peer's table.
//
// Thread: the loop's.
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
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
  /// The fields of a block, and what is known of them.
  struct Block {
    Shape shape;
    std::string timeout;
    std::size_t fixed = 0;     // fields before the metadata; 0: it is not made yet
    std::uint64_t serial = 0;  // of these
    std::vector<nghttp2_nv> fields;
  };
  static constexpr std::size_t kBlocks = 8;

  Block& block_of(const Shape& shape);
  void make(Block& block, const Shape& shape) const;
  void add_metadata(const Metadata& metadata, std::vector<nghttp2_nv>& fields);
  bool repeats(std::string_view key, std::string_view value);

  const std::string authority_;
  const std::string agent_;
  const bool tls_;
  std::set<std::string, std::less<>> paths_;
  const std::string* last_path_ = nullptr;
  std::array<Block, kBlocks> blocks_;  // of the last few shapes
  std::size_t likely_ = 0, next_ = 0;
  std::vector<std::pair<std::string, std::string>> last_values_;  // of metadata keys
  std::vector<std::string> encoded_;                              // -bin values of the block being made
};

}  // namespace lgen
