// A fixed-range, high-dynamic-range histogram: constant relative error, constant memory, merged by addition.
// Layout and V2 encoding: HdrHistogram (https://hdrhistogram.github.io/HdrHistogram/), restated in histogram.cc.
// Units: integer ticks; what a tick is (1 us for times, 1 B for sizes) is the owner's business.
// Thread: one; copies are snapshots.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"

namespace lgen {

class Histogram {
 public:
  /// 1 .. 86'400'000'000 ticks (1 us .. 24 h) at 3 significant digits; chunks of 8 KiB appear on first touch.
  static constexpr std::int64_t kDefaultHighest = 86'400'000'000;
  explicit Histogram(int significant_digits = 3, std::int64_t highest = kDefaultHighest);
  Histogram(const Histogram&);
  Histogram& operator=(const Histogram&);
  Histogram(Histogram&&) noexcept;
  Histogram& operator=(Histogram&&) noexcept;
  ~Histogram();

  /// Values below 0 count as 0, above the highest as the highest; both also in `clamped()`.
  void record(std::int64_t value, std::uint64_t count = 1);
  /// Takes back what was recorded; min and max stay as they were.
  void remove(std::int64_t value, std::uint64_t count);
  void merge(const Histogram& other);  // same digits and range
  void reset();
  /// What was recorded after `earlier`, a former state of this one; extremes and clamping to the resolution.
  Histogram since(const Histogram& earlier) const;

  std::uint64_t count() const { return count_; }
  std::uint64_t clamped() const { return clamped_; }
  std::int64_t min() const;  // 0 when empty
  std::int64_t max() const;
  double mean() const;
  double sum() const { return sum_; }  // of the recorded values, exact up to double
  /// Highest value equivalent to the one at percentile p in 0..100 (nearest rank), never above max(); 0 when empty.
  std::int64_t percentile(double p) const;
  /// Values recorded at or below `value` (to the histogram's resolution).
  std::uint64_t count_at_or_below(std::int64_t value) const;
  /// Visits non-empty buckets in rising order: (lowest equivalent value, highest equivalent value, count).
  void each(const std::function<void(std::int64_t, std::int64_t, std::uint64_t)>& visit) const;
  /// The same for what has been added since `before`, an earlier copy.
  void each_since(const Histogram& before,
                  const std::function<void(std::int64_t, std::int64_t, std::uint64_t)>& visit) const;

  int significant_digits() const { return digits_; }
  std::int64_t highest_trackable() const { return highest_; }
  std::size_t memory_bytes() const;

  /// HDR V2, uncompressed (cookie 0x1c849303|0x10) and zlib-compressed + base64 (what JSON and HDR logs hold).
  std::string encode_v2() const;
  std::string encode_base64() const;
  static Result<Histogram> decode_base64(std::string_view text);
  /// Gives a decoded histogram the exact figures that its encoding does not carry.
  void restore_exact(std::int64_t min, std::int64_t max, double sum);

 private:
  struct Chunk;
  std::size_t index_of(std::int64_t value) const;
  std::int64_t value_at(std::size_t index) const;
  std::int64_t size_of_bucket(std::int64_t value) const;
  void restore_from_buckets();
  void restore_extremes(const Histogram& whole);

  int digits_;
  std::int64_t highest_;
  int sub_bucket_bits_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::uint64_t count_ = 0;
  std::uint64_t clamped_ = 0;
  std::int64_t min_ = 0;
  std::int64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace lgen
