// What a run has measured, as other monitoring systems read it: Prometheus' text format and OTLP's metrics in JSON.
// Names: `lgen_` in front and, on counters, `_total` behind for Prometheus; `lgen.` in front for OTLP. A rate becomes
// two counters, of samples and of hits. What lgen has itself scraped from the system under test is left out: others
// have it first hand.
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lgen/metrics.h"
#include "lgen/summary.h"

namespace lgen {

/// Upper limits, in ticks, of the buckets that histograms of this metric are exported with. Each is the highest value
/// of a bucket of our own, so that the counts are exact; hence 0.010007 s where 0.01 might be expected.
std::span<const std::int64_t> export_bounds(const MetricSpec& spec);

/// How many samples are at or below each of the bounds.
std::vector<std::uint64_t> cumulative_counts(const Histogram& histogram, std::span<const std::int64_t> bounds);

/// What the two counters of a rate count: all samples, or the true ones.
std::string rate_help(const MetricSpec& spec, bool hits);

/// What is exported beside the metrics.
struct ExportedRun {
  const RunInfo& run;
  bool finished = false;  // the figures are final
};

inline constexpr std::string_view kPrometheusContentType = "text/plain; version=0.0.4; charset=utf-8";
std::string render_prometheus(const Snapshot& snapshot, const ExportedRun& run);

/// One push: cumulative from the start of the run to `at`.
struct OtlpPoint {
  double at_unix = 0;                                     // s
  std::string run_id;                                     // the resource attribute lgen.run.id
  std::vector<std::pair<std::string, std::string>> tags;  // resource attributes of --tag
};
std::string render_otlp(const Snapshot& snapshot, const RunInfo& run, const OtlpPoint& point);

}  // namespace lgen
