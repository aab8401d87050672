// The layout is HdrHistogram's, with a lowest discernible value of 1. Values below 2^s (s = sub_bucket_bits_, the
// least power of two that holds 2 * 10^digits) have a bucket each. From there on every doubling of the value gets
// 2^(s-1) buckets, each twice as wide as those of the doubling before: the relative width never exceeds 10^-digits.
//
//   power of two  e = max(0, bit_width(value) - s)      how many low bits are lost
//   index           = e * 2^(s-1) + (value >> e)        rises with the value, without gaps
//
// Counts live in chunks of 1,024 that appear when first touched: with 3 digits one chunk is one doubling, so a
// histogram of latencies between 1 and 100 ms costs 7 chunks, not 224 KiB.
#include "lgen/histogram.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace lgen {

namespace {

constexpr std::size_t kChunkBits = 10;
constexpr std::size_t kChunkSize = std::size_t{1} << kChunkBits;

int bits_for(int digits) {
  std::uint64_t values = 2;
  for (int i = 0; i < digits; ++i) values *= 10;
  return std::bit_width(values - 1);
}

}  // namespace

struct Histogram::Chunk {
  std::array<std::uint64_t, kChunkSize> counts{};
};

Histogram::Histogram(int significant_digits, std::int64_t highest) : digits_(significant_digits), highest_(highest) {
  if (digits_ < 1 || digits_ > 5 || highest_ < 2 || highest_ > (std::int64_t{1} << 62)) {
    throw std::invalid_argument("Histogram: 1 to 5 significant digits and a highest value of 2 to 2^62");
  }
  sub_bucket_bits_ = bits_for(digits_);
  chunks_.resize((index_of(highest_) >> kChunkBits) + 1);
}

Histogram::Histogram(const Histogram& other)
    : digits_(other.digits_),
      highest_(other.highest_),
      sub_bucket_bits_(other.sub_bucket_bits_),
      chunks_(other.chunks_.size()),
      count_(other.count_),
      clamped_(other.clamped_),
      min_(other.min_),
      max_(other.max_),
      sum_(other.sum_) {
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    if (other.chunks_[i]) chunks_[i] = std::make_unique<Chunk>(*other.chunks_[i]);
  }
}

Histogram& Histogram::operator=(const Histogram& other) {
  if (this != &other) *this = Histogram(other);
  return *this;
}

Histogram::Histogram(Histogram&&) noexcept = default;
Histogram& Histogram::operator=(Histogram&&) noexcept = default;
Histogram::~Histogram() = default;

std::size_t Histogram::index_of(std::int64_t value) const {
  const int lost = std::max(0, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(value))) - sub_bucket_bits_);
  return (static_cast<std::size_t>(lost) << (sub_bucket_bits_ - 1)) + static_cast<std::size_t>(value >> lost);
}

std::int64_t Histogram::value_at(std::size_t index) const {
  const std::size_t half = std::size_t{1} << (sub_bucket_bits_ - 1);
  if (index < 2 * half) return static_cast<std::int64_t>(index);
  const std::size_t lost = index / half - 1;
  return static_cast<std::int64_t>(index - lost * half) << lost;
}

std::int64_t Histogram::size_of_bucket(std::int64_t value) const {
  const int lost = std::max(0, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(value))) - sub_bucket_bits_);
  return std::int64_t{1} << lost;
}

void Histogram::record(std::int64_t value, std::uint64_t count) {
  if (count == 0) return;
  if (value < 0 || value > highest_) {
    value = value < 0 ? 0 : highest_;
    clamped_ += count;
  }
  const std::size_t index = index_of(value);
  auto& chunk = chunks_[index >> kChunkBits];
  if (!chunk) chunk = std::make_unique<Chunk>();
  chunk->counts[index & (kChunkSize - 1)] += count;
  if (count_ == 0 || value < min_) min_ = value;
  if (value > max_) max_ = value;
  count_ += count;
  sum_ += static_cast<double>(value) * static_cast<double>(count);
}

void Histogram::remove(std::int64_t value, std::uint64_t count) {
  const std::size_t index = index_of(std::clamp<std::int64_t>(value, 0, highest_));
  auto& chunk = chunks_[index >> kChunkBits];
  std::uint64_t& there = chunk ? chunk->counts[index & (kChunkSize - 1)] : count_;
  if (!chunk || there < count) throw std::logic_error("Histogram: more removed than recorded");
  there -= count;
  count_ -= count;
  sum_ -= static_cast<double>(value) * static_cast<double>(count);
}

void Histogram::merge(const Histogram& other) {
  if (other.digits_ != digits_ || other.highest_ != highest_) {
    throw std::invalid_argument("Histogram: only histograms of equal digits and range can be merged");
  }
  if (other.count_ == 0) return;
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    if (!other.chunks_[i]) continue;
    if (!chunks_[i]) chunks_[i] = std::make_unique<Chunk>();
    for (std::size_t j = 0; j < kChunkSize; ++j) chunks_[i]->counts[j] += other.chunks_[i]->counts[j];
  }
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  count_ += other.count_;
  clamped_ += other.clamped_;
  sum_ += other.sum_;
}

void Histogram::reset() {
  // Chunks are kept: a histogram that is reset every second would otherwise allocate every second.
  for (auto& chunk : chunks_) {
    if (chunk) chunk->counts.fill(0);
  }
  count_ = clamped_ = 0;
  min_ = max_ = 0;
  sum_ = 0;
}

Histogram Histogram::since(const Histogram& earlier) const {
  if (earlier.digits_ != digits_ || earlier.highest_ != highest_ || earlier.count_ > count_) {
    throw std::invalid_argument("Histogram: since() wants a former state of the same histogram");
  }
  Histogram out(*this);
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    if (!earlier.chunks_[i]) continue;
    for (std::size_t j = 0; j < kChunkSize; ++j) out.chunks_[i]->counts[j] -= earlier.chunks_[i]->counts[j];
  }
  out.count_ = count_ - earlier.count_;
  out.clamped_ = clamped_ - earlier.clamped_;
  out.sum_ = sum_ - earlier.sum_;
  out.restore_extremes(*this);
  return out;
}

void Histogram::restore_extremes(const Histogram& whole) {
  min_ = max_ = 0;
  bool any = false;
  each([&](std::int64_t low, std::int64_t high, std::uint64_t) {
    if (!std::exchange(any, true)) min_ = std::max(low, whole.min_);
    max_ = std::min(high, whole.max_);
  });
}

std::int64_t Histogram::min() const { return min_; }
std::int64_t Histogram::max() const { return max_; }
double Histogram::mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

std::int64_t Histogram::percentile(double p) const {
  if (count_ == 0) return 0;
  // 99.9 % of 1,000 is 999, although 0.999 * 1000 is a little more than 999 in floating point.
  const double exact = std::clamp(p, 0.0, 100.0) * static_cast<double>(count_) / 100.0;
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(exact - exact * 1e-14)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    if (!chunks_[i]) continue;
    for (std::size_t j = 0; j < kChunkSize; ++j) {
      seen += chunks_[i]->counts[j];
      if (seen < rank) continue;
      const std::int64_t low = value_at((i << kChunkBits) + j);
      return std::clamp(low + size_of_bucket(low) - 1, min_, max_);
    }
  }
  return max_;
}

std::uint64_t Histogram::count_at_or_below(std::int64_t value) const {
  if (value < 0) return 0;
  const std::size_t last = index_of(std::min(value, highest_));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i <= last >> kChunkBits; ++i) {
    if (!chunks_[i]) continue;
    const std::size_t end = std::min(kChunkSize, last + 1 - (i << kChunkBits));
    for (std::size_t j = 0; j < end; ++j) seen += chunks_[i]->counts[j];
  }
  return seen;
}

void Histogram::each(const std::function<void(std::int64_t, std::int64_t, std::uint64_t)>& visit) const {
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    if (!chunks_[i]) continue;
    for (std::size_t j = 0; j < kChunkSize; ++j) {
      const std::uint64_t count = chunks_[i]->counts[j];
      if (count == 0) continue;
      const std::int64_t low = value_at((i << kChunkBits) + j);
      visit(low, low + size_of_bucket(low) - 1, count);
    }
  }
}

void Histogram::each_since(const Histogram& before,
                           const std::function<void(std::int64_t, std::int64_t, std::uint64_t)>& visit) const {
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    if (!chunks_[i]) continue;
    const Chunk* old = i < before.chunks_.size() ? before.chunks_[i].get() : nullptr;
    for (std::size_t j = 0; j < kChunkSize; ++j) {
      const std::uint64_t count = chunks_[i]->counts[j] - (old ? old->counts[j] : 0);
      if (count == 0) continue;
      const std::int64_t low = value_at((i << kChunkBits) + j);
      visit(low, low + size_of_bucket(low) - 1, count);
    }
  }
}

void Histogram::restore_exact(std::int64_t min, std::int64_t max, double sum) {
  if (count_ == 0) return;
  min_ = min;
  max_ = max;
  sum_ = sum;
}

std::size_t Histogram::memory_bytes() const {
  std::size_t bytes = sizeof(*this) + chunks_.capacity() * sizeof(chunks_[0]);
  for (const auto& chunk : chunks_) bytes += chunk ? sizeof(Chunk) : 0;
  return bytes;
}

}  // namespace lgen
