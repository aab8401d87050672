// What HTTP asks of an answer over HTTP/2 (RFC 9113, 8): which fields, in which order, and as much body as it
// announces. gRPC does without: it takes nothing from fields but what it knows. Thread: the loop's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "h2_hpack.h"

namespace lgen {

class Http2Rules {
 public:
  /// A new request. `head`: the answer to it has no body whatever it says.
  void begin(bool head) { *this = Http2Rules(), head_ = head; }
  // What comes next; false: it breaks the rules.
  bool block(H2Block& block, bool end);
  bool data(std::size_t size);
  /// Of the last block; 0: these were trailers.
  int status() const { return status_; }
  bool end() const { return answered_ && (!length_ || *length_ == received_); }

 private:
  bool pseudo(const H2Field& field);
  bool regular(const H2Field& field);
  bool announces(std::string_view length);

  bool head_ = false;
  bool answered_ = false;  // not only by interim answers
  int status_ = 0;         // of the block being looked at
  std::optional<std::uint64_t> length_;
  std::uint64_t received_ = 0;
};

}  // namespace lgen
