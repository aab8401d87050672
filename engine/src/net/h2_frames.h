// HTTP/2's frames as bytes: their heads, and a stream of bytes taken apart into them.
// Thread: any; values.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lgen {

inline constexpr std::size_t kH2Head = 9;
inline constexpr std::size_t kH2MostFrame = 16384;  // bytes behind the head, as long as SETTINGS do not allow more

struct H2Head {
  std::size_t size = 0;
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::int32_t stream = 0;

  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
};

inline std::uint32_t h2_number(const char* at) {
  const auto byte = [at](int i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(at[i])); };
  return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
}
inline void put_h2_number(char* at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<char>(value >> (24 - 8 * i));
}

/// Writes kH2Head bytes.
void put_h2_head(char* at, const H2Head& head);
/// Appends a frame.
void append_h2_frame(std::string& out, const H2Head& head, std::string_view payload);

/// The part of a frame that is there: a whole one, but for DATA, which comes as its bytes do.
struct H2Part {
  H2Head head;
  std::string_view bytes;  // of the payload
  bool first = true, last = true;
  bool too_large = false;  // nothing but the head was read, nor will be
};

class H2Frames {
 public:
  /// Takes the next part off the front of `bytes`. false: there is none yet, all bytes are taken.
  bool next(std::string_view& bytes, H2Part& part);

 private:
  bool take_head(std::string_view& bytes);
  bool next_data(std::string_view& bytes, H2Part& part);

  H2Head head_;
  bool in_frame_ = false;
  bool first_ = true;
  std::size_t left_ = 0;  // of the payload
  std::string kept_;      // of a head or payload that has come in part
  std::string whole_;     // a payload put together
};

}  // namespace lgen
