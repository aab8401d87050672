#include "metric_sums.h"

#include <algorithm>

namespace lgen::kube {

std::map<std::string, double, std::less<>> metric_sums(const MetricsPage& page, std::string_view without) {
  std::map<std::string, double, std::less<>> sums;
  const auto left_out = [&](const LabelView& label) { return !without.empty() && label.second.starts_with(without); };
  for (const PageSample& sample : page.samples()) {
    if (std::any_of(sample.labels.begin(), sample.labels.end(), left_out)) continue;
    sums[std::string(sample.name)] += sample.value;
  }
  return sums;
}

}  // namespace lgen::kube
