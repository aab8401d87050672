// The filled buckets of a histogram, packed into 2 to 3 bytes each: a run keeps millions of them until its report.
// Thread: values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <utility>
#include <vector>

namespace lgen {

/// (value, count) in the order they were given; small when values rise. Read by a range-for.
class PackedBuckets {
 public:
  using Bucket = std::pair<std::int64_t, std::uint64_t>;

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Bucket;
    using difference_type = std::ptrdiff_t;
    using pointer = const Bucket*;
    using reference = const Bucket&;

    Iterator() = default;
    Iterator(const unsigned char* next, const unsigned char* end) : at_(next), next_(next), end_(end) { read(); }
    reference operator*() const { return bucket_; }
    pointer operator->() const { return &bucket_; }
    Iterator& operator++() {
      at_ = next_;
      read();
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    void read();
    std::uint64_t take_varint();

    const unsigned char* at_ = nullptr;  // of the bucket it stands on
    const unsigned char* next_ = nullptr;
    const unsigned char* end_ = nullptr;
    Bucket bucket_{0, 0};
  };

  PackedBuckets() = default;
  PackedBuckets(std::initializer_list<Bucket> buckets) : PackedBuckets(std::vector<Bucket>(buckets)) {}
  explicit PackedBuckets(const std::vector<Bucket>& buckets);

  bool empty() const { return bytes_.empty(); }
  /// Counts them, one by one.
  std::size_t size() const { return static_cast<std::size_t>(std::distance(begin(), end())); }
  Iterator begin() const { return {bytes_.data(), bytes_.data() + bytes_.size()}; }
  Iterator end() const { return {bytes_.data() + bytes_.size(), bytes_.data() + bytes_.size()}; }
  bool operator==(const PackedBuckets&) const = default;

 private:
  std::vector<unsigned char> bytes_;
};

/// Both together; the buckets of both rise.
PackedBuckets merge(const PackedBuckets& a, const PackedBuckets& b);

}  // namespace lgen
