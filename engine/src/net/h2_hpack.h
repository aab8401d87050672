// Header blocks of HTTP/2, as bytes and as fields. The coding is nghttp2's HPACK; what is ours is a memory: of a load's
// blocks most are, byte for byte, what was there a moment ago, and as long as the table that both ends keep has not
// changed since, they say the same. Then nothing is decoded or encoded again.
// Thread: the loop's.
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lgen {

struct H2Field {
  std::string_view name, value;
};

/// A block that came.
struct H2Block {
  std::vector<H2Field> fields;
  std::size_t size = 0;    // of all fields, as HPACK counts them: 32 bytes for each beside names and values
  bool truncated = false;  // there was more than is kept
  /// For whoever reads it: what it has made of the block stays with it. `read`: it is of this block, not of an earlier
  /// one whose room it may take.
  std::shared_ptr<void> reading;
  bool read = false;
};

/// The fields of a block that goes. The first `known` of them are the same whenever `serial` is; 0: none are.
struct H2Fields {
  std::span<const nghttp2_nv> fields;
  std::size_t known = 0;
  std::uint64_t serial = 0;
};
/// One that nobody else has.
std::uint64_t new_h2_serial();

/// Whether a block adds to the table or resizes it, so that it does not say the same a second time. true also for one
/// that is broken.
bool changes_hpack_table(std::string_view block);

class HpackReader {
 public:
  /// Of a block no more is kept than `most` bytes, as HPACK counts them. `memory`: nghttp2's, outlives this.
  HpackReader(std::size_t most, nghttp2_mem* memory);
  ~HpackReader() { nghttp2_hd_inflate_del(inflater_); }
  HpackReader(const HpackReader&) = delete;
  HpackReader& operator=(const HpackReader&) = delete;

  /// A whole block. nullptr: it cannot be decoded, and no further one can.
  H2Block* read(std::string_view bytes);
  /// The next piece of a block that comes in several. What it is so far; the last piece completes it.
  H2Block* read_piece(std::string_view bytes, bool first, bool last);

 private:
  struct Kept {
    std::string bytes;
    std::uint64_t table = 0;  // the state of the table it was decoded with; 0: not to be found again
    std::string text;         // names and values, one behind the other
    std::vector<std::pair<std::size_t, std::size_t>> sizes;
    H2Block block;
  };
  static constexpr std::size_t kKept = 4;
  static constexpr std::size_t kLongest = 512;  // bytes of a block worth keeping

  Kept& make_room();
  bool decode(std::string_view bytes, bool last, Kept& kept);
  void add(const nghttp2_nv& field, Kept& kept) const;
  static void show(Kept& kept);

  const std::size_t most_;
  nghttp2_hd_inflater* inflater_ = nullptr;
  std::uint64_t table_ = 1;
  std::array<Kept, kKept> kept_;
  std::size_t likely_ = 0, next_ = 0;
  Kept* pieces_ = nullptr;  // being put together
};

class HpackWriter {
 public:
  explicit HpackWriter(nghttp2_mem* memory);
  ~HpackWriter() { nghttp2_hd_deflate_del(deflater_); }
  HpackWriter(const HpackWriter&) = delete;
  HpackWriter& operator=(const HpackWriter&) = delete;

  /// Appends the block. It must be sent, and in this order: the peer's table follows.
  void write(std::string& out, const H2Fields& fields);
  /// As the peer's SETTINGS say.
  void set_table_size(std::uint32_t bytes);

 private:
  struct Kept {
    std::uint64_t serial = 0;
    std::uint64_t table = 0;
    std::string bytes;
  };
  static constexpr std::size_t kKept = 8;

  Kept& find(std::uint64_t serial);
  void renew(Kept& kept, std::span<const nghttp2_nv> fields);
  void encode(std::string& out, std::span<const nghttp2_nv> fields);

  nghttp2_hd_deflater* deflater_ = nullptr;
  std::uint64_t table_ = 1;
  std::array<Kept, kKept> kept_;
  std::size_t likely_ = 0, next_ = 0;
};

}  // namespace lgen
