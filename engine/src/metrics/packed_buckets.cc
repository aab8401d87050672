// Two varints a bucket: the distance from the value before, then the count.
#include "lgen/packed_buckets.h"

namespace lgen {
namespace {

void put_varint(std::vector<unsigned char>& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<unsigned char>(value | 0x80));
  out.push_back(static_cast<unsigned char>(value));
}

}  // namespace

PackedBuckets::PackedBuckets(const std::vector<Bucket>& buckets) {
  std::uint64_t before = 0;
  for (const auto& [value, count] : buckets) {
    put_varint(bytes_, static_cast<std::uint64_t>(value) - before);
    put_varint(bytes_, count);
    before = static_cast<std::uint64_t>(value);
  }
  bytes_.shrink_to_fit();
}

std::uint64_t PackedBuckets::Iterator::take_varint() {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const unsigned char byte = *next_++;
    value |= std::uint64_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return value;
  }
}

void PackedBuckets::Iterator::read() {
  if (next_ == end_) return;
  bucket_.first = static_cast<std::int64_t>(static_cast<std::uint64_t>(bucket_.first) + take_varint());
  bucket_.second = take_varint();
}

PackedBuckets merge(const PackedBuckets& a, const PackedBuckets& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  std::vector<PackedBuckets::Bucket> sum;
  auto from_b = b.begin();
  for (const auto& [value, count] : a) {
    for (; from_b != b.end() && from_b->first < value; ++from_b) sum.push_back(*from_b);
    const bool both = from_b != b.end() && from_b->first == value;
    sum.emplace_back(value, count + (both ? from_b++->second : 0));
  }
  sum.insert(sum.end(), from_b, b.end());
  return PackedBuckets(sum);
}

}  // namespace lgen
