// Percentiles of a histogram of the system under test: of the buckets that its metrics pages have.
// Thread: pure functions.
#pragma once

#include <map>
#include <optional>

#include "lgen/metrics.h"

namespace lgen {

/// Whether a metric holds the buckets of a scraped histogram: "x_seconds_bucket", with the label `le`.
bool is_bucket_metric(const MetricSpec& spec);

/// The matching series added up by their limits: by how much each bucket has risen during the run.
class BucketSums {
 public:
  BucketSums(const MetricSnapshot& buckets, const Labels& wanted);

  /// Samples in all buckets; 0 also when there is no bucket without a limit, or series were too many to be kept apart.
  double count() const;
  /// 0..100, in the metric's unit. Nothing without a sample.
  std::optional<double> percentile(double p) const;

 private:
  std::map<double, double> up_to_;  // limit -> samples up to it
};

}  // namespace lgen
