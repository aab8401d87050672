// Was the generator the bottleneck? The rules, in the order they are judged (the worst one found stands):
//   INVALID  start-lag p99 > 10 ms and > 10 % of the median response
//   INVALID  > 1 % of arrivals dropped while a VU was free
//   INVALID  descriptors or ports exhausted
//   SUSPECT  start-lag p99 > 1 ms
//   SUSPECT  loop lag > 50 ms in > 1 % of the seconds
//   SUSPECT  throttled > 1 % of the time
// Start lag is max(due, VU free) → resumed, so a slow system under test never counts against the generator.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lgen/summary.h"
#include "lgen/units.h"

namespace lgen {
namespace {

constexpr double kSuspectStartLag = 0.001, kInvalidStartLag = 0.010;  // s
constexpr double kInvalidShareOfResponse = 0.10;
constexpr double kLoopLag = 0.050;  // s
constexpr double kOnePercent = 0.01;

std::string seconds_text(double s) { return format_duration(from_seconds(s)); }

/// Percentile of all samples of a metric in its unit; nothing without samples.
std::optional<double> percentile_of(const Snapshot& metrics, std::string_view name, double p) {
  const MetricSnapshot* metric = metrics.find(name);
  if (!metric) return std::nullopt;
  const SeriesSnapshot all = aggregate(*metric, {});
  if (!all.histogram || all.histogram->count() == 0) return std::nullopt;
  return static_cast<double>(all.histogram->percentile(p)) * metric->tick();
}

/// Median response of whatever the plan calls most directly: calls, else streams, else iterations.
std::optional<double> median_response(const Snapshot& metrics) {
  for (const std::string_view name : {"grpc_call_duration_seconds", "http_request_duration_seconds",
                                      "grpc_stream_open_seconds", "iteration_duration_seconds"}) {
    if (const auto median = percentile_of(metrics, name, 50)) return median;
  }
  return std::nullopt;
}

class Judge {
 public:
  explicit Judge(Summary& summary) : summary_(summary) {}

  void start_lag() {
    const auto lag = percentile_of(summary_.metrics, "start_lag_seconds", 99);
    if (!lag || *lag <= kSuspectStartLag) return;
    const auto response = median_response(summary_.metrics);
    if (*lag > kInvalidStartLag && (!response || *lag > kInvalidShareOfResponse * *response)) {
      const std::string against = response ? fmt::format(", the median response is {}", seconds_text(*response)) : "";
      return found(Validity::invalid, fmt::format("iterations started late: start lag p99 {} (limit {}{})",
                                                  seconds_text(*lag), seconds_text(kInvalidStartLag), against));
    }
    found(Validity::suspect, fmt::format("iterations started late: start lag p99 {} (limit {})", seconds_text(*lag),
                                         seconds_text(kSuspectStartLag)));
  }

  void dropped_arrivals() {
    std::uint64_t arrivals = summary_.health.dropped_with_free_vu;
    for (const ScenarioProgress& scenario : summary_.scenarios) arrivals += scenario.started;
    const auto dropped = static_cast<double>(summary_.health.dropped_with_free_vu);
    if (dropped == 0 || dropped <= kOnePercent * static_cast<double>(arrivals)) return;
    found(Validity::invalid, fmt::format("{:.1f}% of the arrivals were dropped although a VU was free",
                                         100 * dropped / static_cast<double>(arrivals)));
  }

  void exhaustion() {
    for (const ErrorSample& error : summary_.errors) exhaustion_in(error.message);
    for (const ChannelSummary& channel : summary_.channels) exhaustion_in(channel.last_error);
  }

  void loop_lag() {
    std::size_t seconds = 0, late = 0;
    for (const TimelineSeries& series : summary_.timelines.series) {
      if (series.metric != "loop_lag_seconds") continue;
      for (const TimelinePoint& point : series.points) {
        seconds += point.count > 0 ? 1 : 0;
        late += point.count > 0 && point.max > kLoopLag ? 1 : 0;
      }
    }
    if (static_cast<double>(late) <= kOnePercent * static_cast<double>(seconds)) return;
    found(Validity::suspect,
          fmt::format("the loop was more than {} late in {} of {} intervals", seconds_text(kLoopLag), late, seconds));
  }

  void throttling() {
    const double share = summary_.health.throttled_share;
    if (share <= kOnePercent) return;
    found(Validity::suspect, fmt::format("the CPU quota throttled lgen {:.1f}% of the time", 100 * share));
  }

 private:
  void found(Validity validity, std::string reason) {
    GeneratorHealth& health = summary_.health;
    health.validity = std::max(health.validity, validity);
    if (std::find(health.reasons.begin(), health.reasons.end(), reason) == health.reasons.end()) {
      health.reasons.push_back(std::move(reason));
    }
  }

  void exhaustion_in(std::string_view message) {
    struct Sign {
      std::string_view text, reason;
    };
    constexpr std::array<Sign, 3> kSigns = {
        {{"Too many open files", "file descriptors ran out (raise `ulimit -n`)"},
         {"Cannot assign requested address", "local ports ran out (spread over more targets or source addresses)"},
         {"No buffer space available", "socket buffers ran out"}}};
    for (const Sign& sign : kSigns) {
      if (message.find(sign.text) != std::string_view::npos) found(Validity::invalid, std::string(sign.reason));
    }
  }

  Summary& summary_;
};

}  // namespace

std::string_view to_string(Validity validity) {
  switch (validity) {
    case Validity::valid:
      return "valid";
    case Validity::suspect:
      return "suspect";
    case Validity::invalid:
      return "invalid";
  }
  return "valid";
}

void judge_validity(Summary& summary) {
  summary.health.validity = Validity::valid;
  summary.health.reasons.clear();
  Judge judge(summary);
  judge.start_lag();
  judge.dropped_arrivals();
  judge.exhaustion();
  judge.loop_lag();
  judge.throttling();
}

}  // namespace lgen
