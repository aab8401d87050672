// What a figure might have been, had the run been made again: bootstrap replicates drawn from what was recorded.
// Thread: one.
#pragma once

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "lgen/histogram.h"

namespace lgen {

/// Histogram as cumulative counts, for drawing quantiles.
class Quantiles {
 public:
  explicit Quantiles(const Histogram& histogram);
  std::uint64_t count() const { return count_; }
  /// The p-quantile (0..1) of a resample of as many values, drawn with replacement.
  double draw(double p, std::mt19937_64& random) const;

 private:
  double value_at(double share) const;
  std::vector<std::pair<std::uint64_t, double>> up_to_;  // (values up to here, highest of the bucket)
  std::uint64_t count_ = 0;
};

/// The interval that holds `confidence` of `draws`, cut off evenly on both sides; sorts them.
std::pair<double, double> interval_of(std::vector<double>& draws, double confidence);

}  // namespace lgen
