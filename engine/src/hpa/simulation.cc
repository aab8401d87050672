#include "lgen/hpa_simulation.h"

#include <algorithm>
#include <cmath>

namespace lgen::hpa {
namespace {

constexpr Duration kSampleWindow = std::chrono::seconds(15);  // metrics-server's --metric-resolution

double load_at(const std::vector<LoadPoint>& points, Duration at) {
  const auto next = std::find_if(points.begin(), points.end(), [at](const LoadPoint& point) { return point.at > at; });
  if (points.empty()) return 0;
  if (next == points.begin()) return next->load;
  const LoadPoint& before = next[-1];
  if (next == points.end()) return before.load;
  const double share = to_seconds(at - before.at) / to_seconds(next->at - before.at);
  return before.load + share * (next->load - before.load);
}

/// The pods of one deployment; only the youngest ever go, so that a list in the order of creation is enough.
class Pods {
 public:
  Pods(int replicas, Duration start) : start_(start) {
    for (int i = 0; i < replicas; ++i) created_.push_back(-start - std::chrono::hours(1));
  }

  int count() const { return static_cast<int>(created_.size()); }
  int ready(Duration at) const {
    return static_cast<int>(
        std::count_if(created_.begin(), created_.end(), [&](Duration created) { return created + start_ <= at; }));
  }
  void scale(int replicas, Duration at) { created_.resize(static_cast<std::size_t>(replicas), at); }

  /// As their status is at `now`.
  std::vector<Pod> at(Duration now, std::int64_t cpu_request) const {
    std::vector<Pod> pods;
    for (const Duration created : created_) {
      const Duration age = now - created;
      const bool ready = age >= start_;
      pods.push_back(
          {.ready = ready, .age = age, .since_ready_changed = ready ? age - start_ : age, .cpu_request = cpu_request});
    }
    return pods;
  }

  /// A sample from each that was ready when the samples were taken; cut off, as Kubernetes cuts off averages.
  Reading read(double each, Duration taken, Duration now) const {
    Reading reading;
    for (const Duration created : created_) {
      const bool there = created + start_ <= taken;
      reading.of_pods.push_back(
          there ? std::optional(
                      Sample{.value = static_cast<std::int64_t>(each), .age = now - taken, .window = kSampleWindow})
                : std::nullopt);
    }
    return reading;
  }

 private:
  Duration start_;
  std::vector<Duration> created_;
};

Reading read(const Simulation& simulation, std::size_t metric, const Pods& pods, Duration now) {
  const Duration taken = now - simulation.metric_lag;
  const double whole = load_at(simulation.load, taken) * simulation.per_load[metric];
  const Metric::Type type = simulation.spec.metrics[metric].type;
  if (type == Metric::Type::object || type == Metric::Type::external) return {.value = std::llround(whole)};
  return pods.read(whole / std::max(pods.ready(taken), 1), taken, now);
}

}  // namespace

std::vector<Round> simulate(const Simulation& simulation) {
  const Spec& spec = simulation.spec;
  Pods pods(simulation.replicas > 0 ? simulation.replicas : spec.min, simulation.pod_start);
  History history;
  std::vector<Round> rounds;
  for (Duration at{0}; at <= simulation.length; at += simulation.controller.sync_period) {
    Observation seen{.now = TimePoint(at + std::chrono::hours(24)),  // before which nothing is remembered
                     .replicas = pods.count(),
                     .pods = pods.at(at, simulation.cpu_request)};
    for (std::size_t i = 0; i < spec.metrics.size(); ++i) seen.readings.push_back(read(simulation, i, pods, at));
    Decision decision = decide(spec, simulation.controller, seen, history);
    const int desired = decision.desired;
    rounds.push_back({at, load_at(simulation.load, at), pods.count(), pods.ready(at), std::move(decision)});
    pods.scale(desired, at);
  }
  return rounds;
}

}  // namespace lgen::hpa
