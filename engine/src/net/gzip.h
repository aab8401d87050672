// gzip and its plain sibling ("deflate" on the wire, zlib's format) in memory: packing whole texts, unpacking piece by
// piece.
// Thread: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace lgen {

enum class Packing { gzip, zlib };

/// As one gzip member or zlib stream, packed fast rather than small: it happens on the loop.
std::string pack(std::string_view bytes, Packing packing);
inline std::string gzip(std::string_view bytes) { return pack(bytes, Packing::gzip); }

/// Whether this is gzip's name as a Content-Encoding, in any case.
bool names_gzip(std::string_view encoding);

/// What is behind the end and no further member: padding, say.
enum class Tail { refused, ignored };

class Gunzip {
 public:
  enum class State { more, end, broken, too_large };

  explicit Gunzip(Packing packing = Packing::gzip, Tail tail = Tail::refused);
  ~Gunzip();
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  /// Appends what `bytes` unpack to; never makes `out` longer than `limit`.
  State feed(std::string_view bytes, std::string& out, std::uint64_t limit);
  State state() const { return state_; }

 private:
  struct Stream;
  bool is_tail(std::string_view rest) const;

  std::unique_ptr<Stream> stream_;
  Tail tail_;
  bool in_tail_ = false;
  State state_ = State::more;
};

}  // namespace lgen
