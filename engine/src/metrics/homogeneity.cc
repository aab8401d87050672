// The question: given how many streams each row opened and how many each backend served, is the observed table one that
// shuffling the streams would produce? The statistic is Pearson's, X2 = sum (n_ij - e_ij)^2 / e_ij = N (sum n_ij^2 /
// (r_i c_j) - 1). Its textbook distribution needs expected counts of 5 and more, and ours are often 1 (30 streams over
// 3 connections and 10 pods), so the reference is the permutation distribution itself. p is found in three ways, each
// exact where it matters, which is on which side of 0.001 it lies:
//
//  1. Far out. Mean and variance of X2 over all permutations are known in closed form (Haldane 1940). By Cantelli's
//     inequality the share of tables at least t standard deviations above the mean is at most 1 / (1 + t^2), whatever
//     the distribution: from t = 32 on p is below 0.001 without a single draw. This settles per-connection and zoned
//     balancers of any size at once.
//  2. Up to 20,000 streams: 10,000 shuffles with a fixed seed, p = (1 + exceeding) / (1 + draws). Once 100 shuffles
//     are as uneven as the observation p cannot come out below 0.001 any more (11 are enough), so the drawing stops
//     and p = 100 / draws (Besag and Clifford 1991): a fair balancer costs about 200 draws, not 10,000.
//  3. Above that: the gamma distribution with the exact mean and variance, which at such counts is closer to the
//     permutation distribution than 10,000 draws are.
//
// A draw is one pass over the streams: an incremental Fisher-Yates step picks the stream's backend, and because
// (n+1)^2 - n^2 = 2n + 1, sum n^2 / c grows by (2n + 1) / c_j with it; no table is built. Measured on a shared two-core
// machine: 60 rows x 10 backends x 2,100 streams take 105 ms when all 10,000 draws are needed, 0.8 ms when the balancer
// is fair, 0.05 ms when it is far from fair (tests/bench/metrics_bench.cc).
#include "homogeneity.h"

#include <algorithm>
#include <cmath>

namespace lgen {

namespace {

constexpr int kDraws = 10'000;
constexpr int kEnoughExceeding = 100;
constexpr double kFarOut = 32;
constexpr std::uint64_t kMaxShuffled = 20'000;

/// The table without empty rows and columns, and its margins.
struct Margins {
  std::vector<std::uint64_t> rows, columns;
  std::uint64_t total = 0;
  double statistic = 0;
};

std::vector<std::uint64_t> column_sums(const CountMatrix& counts) {
  std::vector<std::uint64_t> sums;
  for (const auto& row : counts) {
    sums.resize(std::max(sums.size(), row.size()));
    for (std::size_t j = 0; j < row.size(); ++j) sums[j] += row[j];
  }
  return sums;
}

Margins margins_of(const CountMatrix& counts) {
  Margins m;
  const std::vector<std::uint64_t> columns = column_sums(counts);
  double share = 0;
  for (const auto& row : counts) {
    std::uint64_t sum = 0;
    for (const std::uint64_t n : row) sum += n;
    if (sum == 0) continue;
    m.rows.push_back(sum);
    m.total += sum;
    for (std::size_t j = 0; j < row.size(); ++j) {
      const double n = static_cast<double>(row[j]);
      if (row[j] > 0) share += n * n / (static_cast<double>(sum) * static_cast<double>(columns[j]));
    }
  }
  std::copy_if(columns.begin(), columns.end(), std::back_inserter(m.columns), [](std::uint64_t n) { return n > 0; });
  m.statistic = static_cast<double>(m.total) * (share - 1);
  return m;
}

/// N * sum of 1/margin: how unequal the margins are.
double inverse_sum(const std::vector<std::uint64_t>& margins, double total) {
  double sum = 0;
  for (const std::uint64_t n : margins) sum += 1 / static_cast<double>(n);
  return total * sum;
}

/// Haldane's moments of X2 over all tables with these margins; total > 3.
void fill_moments(const Margins& m, Homogeneity& out) {
  const double n = static_cast<double>(m.total), r = static_cast<double>(m.rows.size()),
               c = static_cast<double>(m.columns.size());
  const double v1 = (n - r) * (r - 1) / (n - 1), v2 = (n - c) * (c - 1) / (n - 1);
  const double w1 = (inverse_sum(m.rows, n) - r * r) / (n - 2), w2 = (inverse_sum(m.columns, n) - c * c) / (n - 2);
  out.mean = n * (r - 1) * (c - 1) / (n - 1);
  out.variance = 2 * n / (n - 3) * (v1 - w1) * (v2 - w2) + n * n / (n - 1) * w1 * w2;
}

/// splitmix64: small, fast and good enough to shuffle with.
class Random {
 public:
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
  }

 private:
  std::uint64_t state_ = 0x6c67656e2f31;  // fixed: the same table always gets the same verdict
};

/// Shuffles the streams' backends over and over, giving X2 of each shuffle.
class Shuffler {
 public:
  explicit Shuffler(const Margins& m) : margins_(m), counts_(m.columns.size()) {
    for (std::size_t j = 0; j < m.columns.size(); ++j) {
      backends_.insert(backends_.end(), m.columns[j], static_cast<std::uint16_t>(j));
      inverse_.push_back(1 / static_cast<double>(m.columns[j]));
    }
  }

  double draw() {
    double share = 0;
    std::uint32_t at = 0;
    for (const std::uint64_t size : margins_.rows) {
      share += draw_row(at, static_cast<std::uint32_t>(size)) / static_cast<double>(size);
      at += static_cast<std::uint32_t>(size);
    }
    return static_cast<double>(margins_.total) * (share - 1);
  }

 private:
  /// Sum of n_j^2 / c_j over a row of `size` streams that starts at `at`.
  double draw_row(std::uint32_t at, std::uint32_t size) {
    std::fill(counts_.begin(), counts_.end(), 0);
    const auto total = static_cast<std::uint32_t>(backends_.size());
    double sum = 0;
    for (std::uint32_t i = at; i < at + size; ++i) {
      // The high half of a 32 x 32 bit product: a number below (total - i), uniform to 1 in 200,000.
      const std::uint32_t pick = i + static_cast<std::uint32_t>((random_.next() >> 32) * (total - i) >> 32);
      std::swap(backends_[i], backends_[pick]);
      const std::uint16_t backend = backends_[i];
      sum += (2 * counts_[backend]++ + 1) * inverse_[backend];
    }
    return sum;
  }

  const Margins& margins_;
  std::vector<std::uint16_t> backends_;
  std::vector<std::uint32_t> counts_;
  std::vector<double> inverse_;
  Random random_;
};

double p_by_shuffling(const Margins& m) {
  Shuffler shuffler(m);
  // Equal tables must compare equal although their terms were added in another order.
  const double bar = m.statistic - 1e-9 * (1 + std::abs(m.statistic));
  int exceeding = 0;
  for (int draw = 1; draw <= kDraws; ++draw) {
    exceeding += shuffler.draw() >= bar ? 1 : 0;
    if (exceeding == kEnoughExceeding) return static_cast<double>(exceeding) / draw;
  }
  return (1.0 + exceeding) / (1.0 + kDraws);
}

/// Upper tail of the gamma distribution with this mean and variance (Wilson and Hilferty's cube root).
double p_by_gamma(const Homogeneity& h) {
  const double shape = h.mean * h.mean / h.variance;
  const double z = 3 * std::sqrt(shape) * (std::cbrt(h.statistic / h.mean) - 1 + 1 / (9 * shape));
  return std::erfc(z / std::sqrt(2.0)) / 2;
}

}  // namespace

Homogeneity test_homogeneity(const CountMatrix& counts) {
  const Margins m = margins_of(counts);
  Homogeneity out;
  if (m.rows.size() < 2 || m.columns.size() < 2) return out;
  out.statistic = m.statistic;
  if (m.total > 3) fill_moments(m, out);
  const double deviations = out.variance > 0 ? (out.statistic - out.mean) / std::sqrt(out.variance) : 0;
  const bool shufflable = m.total <= kMaxShuffled && m.columns.size() <= 65'536;
  if (deviations >= kFarOut) {
    out.p = 1 / (1 + deviations * deviations);
  } else if (shufflable || out.variance <= 0) {
    out.p = p_by_shuffling(m);
  } else {
    out.p = p_by_gamma(out);
  }
  return out;
}

}  // namespace lgen
