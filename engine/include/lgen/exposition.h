// Prometheus' text format 0.0.4, read strictly: a page of metrics as values, or line and column of what is wrong.
// Thread: values. Lifetime: a page owns its text; the views in its families and samples are into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lgen/error.h"

namespace lgen {

enum class FamilyType { untyped, counter, gauge, histogram, summary };
std::string_view to_string(FamilyType type);

using LabelView = std::pair<std::string_view, std::string_view>;

/// What # HELP and # TYPE say of a name.
struct MetricFamily {
  std::string_view name;
  std::string_view help;
  FamilyType type = FamilyType::untyped;
};

struct PageSample {
  std::string_view name;              // as it stands there: "x_seconds_bucket"
  std::span<const LabelView> labels;  // in the page's order, le and quantile among them
  double value = 0;                   // may be NaN or infinite
  std::optional<std::int64_t> timestamp_ms;
  FamilyType type = FamilyType::untyped;  // of the family it belongs to

  /// A sum that only rises: a counter, or the buckets, sum and count of a histogram or summary.
  bool rises() const;
  std::string_view label(std::string_view name) const;  // "": it has none
};

struct ExpositionLimits {
  std::size_t samples = 200'000;
  std::size_t labels = 64;  // of one sample
};

/// What to ask for, so that OpenMetrics and protobuf stay away.
inline constexpr std::string_view kExpositionAccept = "text/plain;version=0.0.4;q=1,text/plain;q=0.5";

class MetricsPage {
 public:
  /// The error begins with "line 3, column 7: ".
  static Result<std::shared_ptr<const MetricsPage>> parse(std::string text, const ExpositionLimits& limits = {});

  MetricsPage() = default;
  MetricsPage(const MetricsPage&) = delete;
  MetricsPage& operator=(const MetricsPage&) = delete;

  std::span<const MetricFamily> families() const { return families_; }
  std::span<const PageSample> samples() const { return samples_; }
  /// Of that very name, in the page's order; call `each` with each of them.
  template <class Each>
  void each(std::string_view name, Each&& each) const {
    for (const PageSample& sample : samples_) {
      if (sample.name == name) each(sample);
    }
  }

 private:
  friend class ExpositionParser;
  std::string text_;
  std::deque<std::string> unescaped_;  // label values and helps that had escapes
  std::vector<LabelView> labels_;      // of all samples, one after another
  std::vector<MetricFamily> families_;
  std::vector<PageSample> samples_;
};

}  // namespace lgen
