// HdrHistogram's V2 encoding, so that every HDR tool reads what lgen writes.
//
//   uncompressed  int32 cookie 0x1c849303|0x10 · int32 payload bytes · int32 index offset (0) · int32 digits ·
//                 int64 lowest (1) · int64 highest · double ratio (1.0) · payload; all big endian
//   payload       the counts in index order up to the last non-zero one, each a ZigZag LEB128 number; a run of n
//                 zeros is the one number -n
//   compressed    int32 cookie 0x1c849304|0x10 · int32 bytes · zlib stream of the above; base64 around it
//
// LEB128 here is the variant of at most 9 bytes: the ninth carries eight bits and no continuation flag.
// hdr-histogram-js 3.0 writes an index offset of 1 and the ratio as an integer 1, and means 0 and 1.0; both are
// accepted. Min, max and sum are not in the encoding: a decoded histogram knows them only to its resolution.
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <string>
#include <string_view>

#include "lgen/base64.h"
#include "lgen/histogram.h"

namespace lgen {

namespace {

constexpr std::uint32_t kCookie = 0x1c849303 | 0x10;
constexpr std::uint32_t kCompressedCookie = 0x1c849304 | 0x10;
constexpr std::size_t kHeaderBytes = 40;
constexpr std::size_t kMaxDecodedBytes = std::size_t{64} << 20;  // an honest one is below 60 MiB even at 5 digits

Error undecodable(std::string_view what) {
  return make_error(ErrorCode::protocol, "HDR histogram: " + std::string(what) + "; expected base64 of a V2 encoding");
}

void put_be(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

std::uint64_t get_be(std::string_view in, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(in[at + i]);
  return value;
}

void put_zigzag(std::string& out, std::int64_t number) {
  std::uint64_t value = static_cast<std::uint64_t>(number) << 1 ^ static_cast<std::uint64_t>(number >> 63);
  for (int i = 0; i < 8 && value >= 0x80; ++i, value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

/// Reads one number at `at` and moves on; false: the text ends inside it.
bool get_zigzag(std::string_view in, std::size_t& at, std::int64_t& number) {
  std::uint64_t value = 0;
  for (int i = 0; i < 9; ++i) {
    if (at >= in.size()) return false;
    const std::uint64_t byte = static_cast<unsigned char>(in[at++]);
    const bool last = i == 8 || byte < 0x80;
    value |= (i == 8 ? byte : byte & 0x7f) << (7 * i);
    if (last) break;
  }
  number = static_cast<std::int64_t>(value >> 1 ^ (0 - (value & 1)));
  return true;
}

std::string deflate_all(const std::string& plain) {
  uLongf size = compressBound(plain.size());
  std::string out(size, '\0');
  compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(plain.data()), plain.size(),
            Z_DEFAULT_COMPRESSION);
  out.resize(size);
  return out;
}

Result<std::string> inflate_all(std::string_view packed) {
  std::string out(std::max<std::size_t>(packed.size() * 8, 4096), '\0');
  while (out.size() <= kMaxDecodedBytes) {
    uLongf size = out.size();
    const int rc = uncompress(reinterpret_cast<Bytef*>(out.data()), &size,
                              reinterpret_cast<const Bytef*>(packed.data()), packed.size());
    out.resize(rc == Z_OK ? size : out.size() * 4);
    if (rc == Z_OK) return out;
    if (rc != Z_BUF_ERROR) break;
  }
  return undecodable("the compressed part is damaged or too long");
}

/// From base64 to the uncompressed form, cookies and lengths checked.
Result<std::string> unwrap(std::string_view text) {
  const auto bytes = from_base64(text);
  if (!bytes || bytes->size() < 8) return undecodable("not base64, or shorter than its header");
  if (get_be(*bytes, 0, 4) != kCompressedCookie) return undecodable("unknown cookie (only compressed V2 is read)");
  const std::size_t size = get_be(*bytes, 4, 4);
  if (size > bytes->size() - 8) return undecodable("the text ends early");
  auto plain = inflate_all(std::string_view(*bytes).substr(8, size));
  if (!plain) return plain;
  if (plain->size() < kHeaderBytes || get_be(*plain, 0, 4) != kCookie) return undecodable("unknown inner cookie");
  if (get_be(*plain, 4, 4) != plain->size() - kHeaderBytes) return undecodable("the inner length does not fit");
  return plain;
}

}  // namespace

std::string Histogram::encode_v2() const {
  std::string payload;
  std::size_t next = 0;  // the first index not yet written
  each([&](std::int64_t low, std::int64_t, std::uint64_t count) {
    const std::size_t index = index_of(low);
    if (index > next) put_zigzag(payload, -static_cast<std::int64_t>(index - next));
    put_zigzag(payload, static_cast<std::int64_t>(count));
    next = index + 1;
  });
  std::string out;
  put_be(out, kCookie, 4);
  put_be(out, payload.size(), 4);
  put_be(out, 0, 4);
  put_be(out, static_cast<std::uint64_t>(digits_), 4);
  put_be(out, 1, 8);
  put_be(out, static_cast<std::uint64_t>(highest_), 8);
  put_be(out, std::bit_cast<std::uint64_t>(1.0), 8);
  return out + payload;
}

std::string Histogram::encode_base64() const {
  const std::string packed = deflate_all(encode_v2());
  std::string out;
  put_be(out, kCompressedCookie, 4);
  put_be(out, packed.size(), 4);
  return to_base64(out + packed);
}

Result<Histogram> Histogram::decode_base64(std::string_view text) {
  const auto plain = unwrap(text);
  if (!plain) return plain.error();
  const auto digits = get_be(*plain, 12, 4), lowest = get_be(*plain, 16, 8), highest = get_be(*plain, 24, 8);
  if (digits < 1 || digits > 5 || highest < 2 || highest > std::uint64_t{1} << 62) return undecodable("bad range");
  if (lowest != 1 || get_be(*plain, 8, 4) > 1) return undecodable("only a lowest value of 1 and no offset are read");
  Histogram out(static_cast<int>(digits), static_cast<std::int64_t>(highest));
  const std::size_t end = out.index_of(out.highest_) + 1;
  std::size_t index = 0;
  for (std::size_t at = kHeaderBytes; at < plain->size();) {
    std::int64_t number = 0;
    if (!get_zigzag(*plain, at, number)) return undecodable("the counts end early");
    const std::uint64_t step = number < 0 ? 0 - static_cast<std::uint64_t>(number) : 1;
    if (step > end - index) return undecodable("more counts than its range holds");
    if (number > 0) out.record(out.value_at(index), static_cast<std::uint64_t>(number));
    index += step;
  }
  out.restore_from_buckets();
  return out;
}

void Histogram::restore_from_buckets() {
  sum_ = 0;
  each([this](std::int64_t low, std::int64_t high, std::uint64_t count) {
    sum_ += (static_cast<double>(low) + static_cast<double>(high)) / 2 * static_cast<double>(count);
    max_ = high;
  });
}

}  // namespace lgen
