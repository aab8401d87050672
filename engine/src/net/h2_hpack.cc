#include "h2_hpack.h"

#include <atomic>
#include <new>

namespace lgen {
namespace {

constexpr std::size_t kFieldOverhead = 32;   // RFC 7541, 4.1
constexpr std::size_t kOurTable = 4096;      // the most we let the peer keep for us
constexpr std::size_t kKeepText = 64 << 10;  // room that is given back when a block needed more

const std::uint8_t* bytes_of(std::string_view text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }

/// Takes RFC 7541's integer (5.1), whose first byte has `bits` bits of it. false: it is not all there, or too large.
bool take_integer(std::string_view& block, int bits, std::size_t& value) {
  const std::size_t most = (std::size_t{1} << bits) - 1;
  value = static_cast<unsigned char>(block[0]) & most;
  block.remove_prefix(1);
  if (value < most) return true;
  for (int shift = 0; shift < 28 && !block.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(block[0]);
    block.remove_prefix(1);
    value += static_cast<std::size_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool skip_string(std::string_view& block) {
  std::size_t size = 0;
  if (block.empty() || !take_integer(block, 7, size) || size > block.size()) return false;
  block.remove_prefix(size);
  return true;
}

}  // namespace

std::uint64_t new_h2_serial() {
  static std::atomic<std::uint64_t> last = 0;
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

/// Its representations begin with 1 (indexed), 01 (added to the table), 001 (a new size), 0001 or 0000 (literals).
bool changes_hpack_table(std::string_view block) {
  while (!block.empty()) {
    const auto first = static_cast<unsigned char>(block[0]);
    std::size_t index = 0;
    if (first >= 0x80) {
      if (!take_integer(block, 7, index)) return true;
      continue;
    }
    if (first >= 0x20 || !take_integer(block, 4, index)) return true;
    if (index == 0 && !skip_string(block)) return true;
    if (!skip_string(block)) return true;
  }
  return false;
}

// ---- reading ----

HpackReader::HpackReader(std::size_t most, nghttp2_mem* memory) : most_(most) {
  if (nghttp2_hd_inflate_new2(&inflater_, memory) != 0) throw std::bad_alloc();
}

H2Block* HpackReader::read(std::string_view bytes) {
  for (std::size_t i = 0; i < kKept; ++i) {
    const std::size_t at = (likely_ + i) % kKept;
    Kept& kept = kept_[at];
    if (kept.table != table_ || kept.bytes != bytes) continue;
    likely_ = at + 1;  // headers and trailers take turns
    return &kept.block;
  }
  Kept& kept = make_room();
  const bool changes = changes_hpack_table(bytes);
  if (changes) ++table_;
  if (!decode(bytes, true, kept)) return nullptr;
  if (!changes && bytes.size() <= kLongest) {
    kept.bytes = bytes;
    kept.table = table_;
  }
  return &kept.block;
}

H2Block* HpackReader::read_piece(std::string_view bytes, bool first, bool last) {
  if (first) {
    pieces_ = &make_room();
    ++table_;  // it may change
  }
  return decode(bytes, last, *pieces_) ? &pieces_->block : nullptr;
}

HpackReader::Kept& HpackReader::make_room() {
  Kept& kept = kept_[next_];
  next_ = (next_ + 1) % kKept;
  if (kept.text.capacity() > kKeepText) std::string().swap(kept.text);
  kept.text.clear();
  kept.sizes.clear();
  kept.table = 0;
  kept.block.fields.clear();
  kept.block.size = 0;
  kept.block.truncated = kept.block.read = false;
  return kept;
}

bool HpackReader::decode(std::string_view bytes, bool last, Kept& kept) {
  for (;;) {
    nghttp2_nv field{};
    int flags = 0;
    const ssize_t used = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, bytes_of(bytes), bytes.size(), last ? 1 : 0);
    if (used < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(used));
    const bool emitted = (flags & NGHTTP2_HD_INFLATE_EMIT) != 0;
    const bool final = (flags & NGHTTP2_HD_INFLATE_FINAL) != 0;
    if (emitted) add(field, kept);
    if (!final && (emitted || !bytes.empty())) continue;
    if (final) nghttp2_hd_inflate_end_headers(inflater_);
    show(kept);
    return final || !last;
  }
}

void HpackReader::add(const nghttp2_nv& field, Kept& kept) const {
  H2Block& block = kept.block;
  block.size += field.namelen + field.valuelen + kFieldOverhead;
  block.truncated = block.truncated || block.size > most_;
  if (block.truncated) return;
  kept.text.append(reinterpret_cast<const char*>(field.name), field.namelen);
  kept.text.append(reinterpret_cast<const char*>(field.value), field.valuelen);
  kept.sizes.emplace_back(field.namelen, field.valuelen);
}

/// The text stays where it is until the next piece.
void HpackReader::show(Kept& kept) {
  std::string_view text = kept.text;
  kept.block.fields.clear();
  for (const auto& [name, value] : kept.sizes) {
    kept.block.fields.push_back({text.substr(0, name), text.substr(name, value)});
    text.remove_prefix(name + value);
  }
}

// ---- writing ----

HpackWriter::HpackWriter(nghttp2_mem* memory) {
  if (nghttp2_hd_deflate_new2(&deflater_, kOurTable, memory) != 0) throw std::bad_alloc();
}

void HpackWriter::set_table_size(std::uint32_t bytes) {
  nghttp2_hd_deflate_change_table_size(deflater_, bytes);
  ++table_;  // the next block has to say so
}

void HpackWriter::write(std::string& out, const H2Fields& fields) {
  const auto known = fields.fields.first(fields.known);
  const auto others = fields.fields.subspan(fields.known);
  if (!known.empty()) {
    Kept& kept = find(fields.serial);
    if (kept.table != table_) renew(kept, known);
    out.append(kept.bytes);
  }
  if (!others.empty()) {
    const std::size_t before = out.size();
    encode(out, others);
    if (changes_hpack_table(std::string_view(out).substr(before))) ++table_;
  }
}

/// The same fields give other bytes once they are in the table: then what they gave is good until it changes.
void HpackWriter::renew(Kept& kept, std::span<const nghttp2_nv> fields) {
  kept.bytes.clear();
  encode(kept.bytes, fields);
  const bool changes = changes_hpack_table(kept.bytes);
  if (changes) ++table_;
  kept.table = changes ? 0 : table_;
}

HpackWriter::Kept& HpackWriter::find(std::uint64_t serial) {
  for (std::size_t i = 0; i < kKept; ++i) {
    const std::size_t at = (likely_ + i) % kKept;
    if (kept_[at].serial != serial) continue;
    likely_ = at;
    return kept_[at];
  }
  Kept& kept = kept_[next_];
  next_ = (next_ + 1) % kKept;
  kept.serial = serial;
  kept.table = 0;
  return kept;
}

void HpackWriter::encode(std::string& out, std::span<const nghttp2_nv> fields) {
  const std::size_t before = out.size();
  const std::size_t most = nghttp2_hd_deflate_bound(deflater_, fields.data(), fields.size());
  out.resize(before + most);
  const ssize_t size = nghttp2_hd_deflate_hd(deflater_, reinterpret_cast<std::uint8_t*>(out.data() + before), most,
                                             fields.data(), fields.size());
  if (size < 0) throw std::bad_alloc();  // the only thing that can be wrong
  out.resize(before + static_cast<std::size_t>(size));
}

}  // namespace lgen
