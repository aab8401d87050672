// gzip in memory: packing a reply, unpacking a body piece by piece.
// Thread: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace lgen {

/// As one gzip member, packed fast rather than small: it happens on the loop.
std::string gzip(std::string_view bytes);

class Gunzip {
 public:
  enum class State { more, end, broken, too_large };

  Gunzip();
  ~Gunzip();
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  /// Appends what `bytes` unpack to; never makes `out` longer than `limit`.
  State feed(std::string_view bytes, std::string& out, std::uint64_t limit);
  State state() const { return state_; }

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  State state_ = State::more;
};

}  // namespace lgen
