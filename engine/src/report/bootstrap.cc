// Resampling n values with replacement and taking the k-th smallest costs n draws; but its law is known. The k-th
// smallest of n values drawn from a distribution F is F's quantile at the k-th smallest of n uniform numbers, and that
// one is distributed as Beta(k, n - k + 1), the share of one gamma variable in the sum of two. So a replicate of p99 of
// ten million samples costs two gamma draws and one search, and is the same bootstrap.
#include "bootstrap.h"

#include <algorithm>
#include <cmath>

namespace lgen {

Quantiles::Quantiles(const Histogram& histogram) {
  histogram.each([&](std::int64_t, std::int64_t high, std::uint64_t count) {
    count_ += count;
    up_to_.emplace_back(count_, static_cast<double>(std::min(high, histogram.max())));
  });
}

double Quantiles::value_at(double share) const {
  const double rank = share * static_cast<double>(count_);
  const auto at = std::lower_bound(up_to_.begin(), up_to_.end(), rank, [](const auto& bucket, double wanted) {
    return static_cast<double>(bucket.first) < wanted;
  });
  return at == up_to_.end() ? up_to_.back().second : at->second;
}

double Quantiles::draw(double p, std::mt19937_64& random) const {
  const auto n = static_cast<double>(count_);
  const double k = std::clamp(std::ceil(p * n - 1e-9), 1.0, n);
  const double below = std::gamma_distribution<double>(k)(random);
  const double above = std::gamma_distribution<double>(n - k + 1)(random);
  return value_at(below / (below + above));
}

std::pair<double, double> interval_of(std::vector<double>& draws, double confidence) {
  std::sort(draws.begin(), draws.end());
  const auto last = static_cast<double>(draws.size() - 1);
  const double cut = (1 - confidence) / 2;
  return {draws[static_cast<std::size_t>(std::floor(cut * last))],
          draws[static_cast<std::size_t>(std::ceil((1 - cut) * last))]};
}

}  // namespace lgen
