// Buckets for those who want few of them. A histogram of ours has thousands, 0.1 % wide; an exported one has about
// thirty, between 1 us and 24 h. A count at a limit is exact only where one of our buckets ends, so each limit is the
// end of the bucket that a round number lies in: up to 2,047 ticks the number itself, above at most 0.1 % more.
#include <algorithm>
#include <array>

#include "lgen/export.h"

namespace lgen {
namespace {

constexpr std::int64_t kMicro = 1, kMilli = 1000, kSecond = 1'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute;

constexpr std::array kTimes = {
    kMicro,       10 * kMicro, 50 * kMicro,     100 * kMicro, 250 * kMicro, 500 * kMicro, kMilli,
    2 * kMilli,   5 * kMilli,  10 * kMilli,     25 * kMilli,  50 * kMilli,  100 * kMilli, 250 * kMilli,
    500 * kMilli, kSecond,     5 * kSecond / 2, 5 * kSecond,  10 * kSecond, 30 * kSecond, kMinute,
    2 * kMinute,  5 * kMinute, 10 * kMinute,    30 * kMinute, kHour,        6 * kHour,    24 * kHour,
};

/// Powers of four: 1 B, 4 B ... 64 GiB.
std::vector<std::int64_t> sizes() {
  std::vector<std::int64_t> all;
  for (std::int64_t size = 1; size <= Histogram::kDefaultHighest; size *= 4) all.push_back(size);
  return all;
}

/// 1, 2, 5, 10, 20 ... of whatever is counted.
std::vector<std::int64_t> numbers() {
  std::vector<std::int64_t> all;
  for (std::int64_t decade = 1; decade <= Histogram::kDefaultHighest; decade *= 10) {
    for (const std::int64_t factor : {1, 2, 5}) all.push_back(factor * decade);
  }
  return all;
}

/// The highest value that a histogram cannot tell from `value`.
std::int64_t end_of_bucket(std::int64_t value) {
  std::int64_t end = value;
  Histogram probe;
  probe.record(value);
  probe.each([&](std::int64_t, std::int64_t highest, std::uint64_t) { end = highest; });
  return end;
}

std::vector<std::int64_t> bounds_at(std::span<const std::int64_t> round) {
  std::vector<std::int64_t> bounds;
  for (const std::int64_t value : round) {
    if (value <= Histogram::kDefaultHighest) bounds.push_back(end_of_bucket(value));
  }
  return bounds;
}

}  // namespace

std::span<const std::int64_t> export_bounds(const MetricSpec& spec) {
  static const std::vector<std::int64_t> of_times = bounds_at(kTimes), of_sizes = bounds_at(sizes()),
                                         of_numbers = bounds_at(numbers());
  if (spec.scale > 0) return of_numbers;
  return spec.unit == "s" ? of_times : spec.unit == "B" ? of_sizes : of_numbers;
}

std::vector<std::uint64_t> cumulative_counts(const Histogram& histogram, std::span<const std::int64_t> bounds) {
  std::vector<std::uint64_t> counts(bounds.size(), 0);
  histogram.each([&](std::int64_t, std::int64_t highest, std::uint64_t count) {
    const auto at = std::lower_bound(bounds.begin(), bounds.end(), highest);
    if (at != bounds.end()) counts[static_cast<std::size_t>(at - bounds.begin())] += count;
  });
  for (std::size_t i = 1; i < counts.size(); ++i) counts[i] += counts[i - 1];
  return counts;
}

}  // namespace lgen
