#include "gzip.h"

#include <zlib.h>

#include <algorithm>

namespace lgen {
namespace {

/// Adding 16 is zlib's way to say: with gzip's header and trailer.
int window(Packing packing) { return packing == Packing::gzip ? 15 + 16 : 15; }
constexpr std::size_t kPiece = 16 << 10;

Bytef* in(std::string_view bytes) { return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data())); }

}  // namespace

std::string pack(std::string_view bytes, Packing packing) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, window(packing), 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = in(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct Gunzip::Stream {
  z_stream z{};
};

bool names_gzip(std::string_view encoding) {
  if (encoding.starts_with("x-") || encoding.starts_with("X-")) encoding.remove_prefix(2);
  constexpr std::string_view kName = "gzip";
  return std::equal(encoding.begin(), encoding.end(), kName.begin(), kName.end(),
                    [](char x, char y) { return (x | 0x20) == y; });
}

Gunzip::Gunzip(Packing packing, Tail tail) : stream_(std::make_unique<Stream>()), tail_(tail) {
  inflateInit2(&stream_->z, window(packing));
}

Gunzip::~Gunzip() { inflateEnd(&stream_->z); }

/// A member begins with 0x1f. Like gzip(1) and curl.
bool Gunzip::is_tail(std::string_view rest) const {
  return in_tail_ || (tail_ == Tail::ignored && state_ == State::end && !rest.empty() && rest[0] != '\x1f');
}

Gunzip::State Gunzip::feed(std::string_view bytes, std::string& out, std::uint64_t limit) {
  z_stream& z = stream_->z;
  z.next_in = in(bytes);
  z.avail_in = static_cast<uInt>(bytes.size());
  while (z.avail_in > 0 && state_ != State::broken && state_ != State::too_large) {
    in_tail_ = is_tail(bytes.substr(bytes.size() - z.avail_in));
    if (in_tail_) break;
    if (state_ == State::end) {  // one more member
      inflateReset(&z);
      state_ = State::more;
    }
    char piece[kPiece];
    z.next_out = reinterpret_cast<Bytef*>(piece);
    z.avail_out = kPiece;
    const int result = inflate(&z, Z_NO_FLUSH);
    const std::size_t count = kPiece - z.avail_out;
    if (out.size() + count > limit) return state_ = State::too_large;
    out.append(piece, count);
    if (result == Z_STREAM_END) state_ = State::end;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) state_ = State::broken;
  }
  return state_;
}

}  // namespace lgen
