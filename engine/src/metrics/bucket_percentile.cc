// As Prometheus' histogram_quantile over increase() has it (promql/quantile.go, bucketQuantile, of Prometheus 2.42;
// https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile): samples are taken to lie evenly
// in their bucket, so inside it the value is interpolated; the lowest bucket begins at 0 unless its limit is not above
// 0; what lies in the bucket without a limit is taken to be the highest limit there is.
#include "lgen/bucket_percentile.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <string_view>

namespace lgen {
namespace {

std::string_view label(const SeriesSnapshot& series, std::string_view name) {
  for (const auto& [key, value] : series.labels) {
    if (key == name) return value;
  }
  return {};
}

std::optional<double> limit_of(std::string_view le) {
  if (le == "+Inf" || le == "Inf") return std::numeric_limits<double>::infinity();
  double value = 0;
  const auto [end, error] = std::from_chars(le.data(), le.data() + le.size(), value);
  if (le.empty() || error != std::errc{} || end != le.data() + le.size() || std::isnan(value)) return std::nullopt;
  return value;
}

}  // namespace

bool is_bucket_metric(const MetricSpec& spec) {
  return spec.scraped && spec.type == MetricType::counter && spec.name.ends_with("_bucket");
}

BucketSums::BucketSums(const MetricSnapshot& buckets, const Labels& wanted) {
  for (const SeriesSnapshot& series : buckets.series) {
    const auto limit = limit_of(label(series, "le"));
    if (!limit && !label(series, "overflow").empty()) {
      up_to_.clear();  // the limits of those series are lost
      return;
    }
    if (limit && labels_match(series.labels, wanted)) up_to_[*limit] += series.value;
  }
  double before = 0;
  for (auto& [limit, count] : up_to_) before = count = std::max(before, count);  // pods may have different limits
}

double BucketSums::count() const {
  if (up_to_.empty() || !std::isinf(up_to_.rbegin()->first)) return 0;
  return up_to_.rbegin()->second;
}

std::optional<double> BucketSums::percentile(double p) const {
  if (up_to_.size() < 2 || count() <= 0) return std::nullopt;
  const double rank = p / 100 * count();
  const auto last = std::prev(up_to_.end());
  const auto at = std::find_if(up_to_.begin(), last, [&](const auto& bucket) { return bucket.second >= rank; });
  if (at == last) return std::prev(last)->first;
  if (at == up_to_.begin() && at->first <= 0) return at->first;
  const double begin = at == up_to_.begin() ? 0 : std::prev(at)->first;
  const double before = at == up_to_.begin() ? 0 : std::prev(at)->second;
  const double inside = at->second - before;
  return inside > 0 ? begin + (at->first - begin) * ((rank - before) / inside) : begin;
}

}  // namespace lgen
