// Replicas for one metric: replica_calculator.go.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lgen/hpa.h"

namespace lgen::hpa {
namespace {

struct Tolerances {
  double up, down;
  bool hold(double ratio) const { return 1.0 - down <= ratio && ratio <= 1.0 + up; }
};

Tolerances tolerances_of(const Spec& spec, const Controller& controller) {
  if (!spec.behavior) return {controller.tolerance, controller.tolerance};
  return {spec.behavior->up.tolerance.value_or(controller.tolerance),
          spec.behavior->down.tolerance.value_or(controller.tolerance)};
}

bool is_cpu(const Metric& metric) { return metric.type == Metric::Type::resource && metric.name == "cpu"; }

/// CPU of a pod that is not ready yet, or has just become so, is that of its start.
bool tells_of_the_start(const Pod& pod, const Sample& sample, const Controller& controller) {
  if (pod.age < controller.cpu_initialization_period) {
    return !pod.ready || sample.age + sample.window > pod.since_ready_changed;
  }
  const Duration changed_at = pod.age - pod.since_ready_changed;         // by the pod's age
  return !pod.ready && changed_at < controller.initial_readiness_delay;  // it was never ready
}

/// Pods by what their samples are good for.
struct Groups {
  struct Counted {
    std::int64_t value, request;
  };
  std::vector<Counted> counted;       // a sample that counts
  std::vector<std::int64_t> unready;  // requests of pods whose sample does not count, now
  std::vector<std::int64_t> missing;  // requests of pods without a sample
};

Groups group(const Metric& metric, const Reading& reading, const std::vector<Pod>& pods, const Controller& controller) {
  Groups groups;
  for (std::size_t i = 0; i < pods.size(); ++i) {
    const Pod& pod = pods[i];
    if (pod.deleting) continue;
    const auto sample = i < reading.of_pods.size() ? reading.of_pods[i] : std::nullopt;
    if (pod.pending || (sample && is_cpu(metric) && tells_of_the_start(pod, *sample, controller))) {
      groups.unready.push_back(pod.cpu_request);
    } else if (!sample) {
      groups.missing.push_back(pod.cpu_request);
    } else {
      groups.counted.push_back({sample->value, pod.cpu_request});
    }
  }
  return groups;
}

struct Usage {
  double ratio;
  std::int64_t shown;
};

/// Both divisions cut off, as Kubernetes' integers do.
Usage usage_of(const Metric& metric, const std::vector<Groups::Counted>& counted) {
  std::int64_t sum = 0, requests = 0;
  for (const auto& pod : counted) {
    sum += pod.value;
    requests += pod.request;
  }
  const bool of_request = metric.target == Metric::Target::utilization;
  const std::int64_t shown = of_request ? sum * 100 / requests : sum / static_cast<std::int64_t>(counted.size());
  return {static_cast<double>(shown) / static_cast<double>(metric.goal), shown};
}

int rounded_up(double replicas) {
  return static_cast<int>(std::min<double>(std::ceil(replicas), std::numeric_limits<int>::max()));
}

/// Pods that tell nothing are taken for what makes the change smaller.
std::vector<Groups::Counted> completed(const Metric& metric, const Groups& groups, double ratio) {
  auto all = groups.counted;
  const bool of_request = metric.target == Metric::Target::utilization;
  if (of_request && ratio == 1) return all;
  for (const std::int64_t request : groups.missing) {
    const std::int64_t full = of_request ? request * std::max<std::int64_t>(100, metric.goal) / 100 : metric.goal;
    all.push_back({ratio < 1 ? full : 0, request});
  }
  if (ratio > 1) {
    for (const std::int64_t request : groups.unready) all.push_back({0, request});
  }
  return all;
}

/// Where nobody has a sample it is the metric that is missing; else it is pods that do not count yet.
Error no_samples(const Metric& metric, const Reading& reading) {
  const auto has_one = [](const std::optional<Sample>& sample) { return sample.has_value(); };
  const bool any = std::any_of(reading.of_pods.begin(), reading.of_pods.end(), has_one);
  return make_error(ErrorCode::unavailable,
                    any ? fmt::format("no sample of {} counts; are the pods ready?", describe(metric))
                        : fmt::format("none of {} pods has {}", reading.of_pods.size(), describe(metric)));
}

Result<Proposal> from_pods(const Metric& metric, const Reading& reading, const std::vector<Pod>& pods, int current,
                           const Tolerances& tolerances, const Controller& controller) {
  const Groups groups = group(metric, reading, pods, controller);
  if (groups.counted.empty()) return no_samples(metric, reading);
  if (metric.target == Metric::Target::utilization) {
    const bool all_ask = std::all_of(pods.begin(), pods.end(), [](const Pod& pod) { return pod.cpu_request > 0; });
    if (!all_ask) return make_error(ErrorCode::invalid_argument, "missing request for " + metric.name);
  }
  const Usage usage = usage_of(metric, groups.counted);
  const bool scales_up_beside_unready = !groups.unready.empty() && usage.ratio > 1;
  if (!scales_up_beside_unready && groups.missing.empty()) {
    if (tolerances.hold(usage.ratio)) return Proposal{current, usage.shown};
    return Proposal{rounded_up(usage.ratio * static_cast<double>(groups.counted.size())), usage.shown};
  }
  const auto all = completed(metric, groups, usage.ratio);
  const double ratio = usage_of(metric, all).ratio;
  const bool turned = (usage.ratio < 1 && ratio > 1) || (usage.ratio > 1 && ratio < 1);
  if (turned || tolerances.hold(ratio)) return Proposal{current, usage.shown};
  const int replicas = rounded_up(ratio * static_cast<double>(all.size()));
  const bool wrong_way = (ratio < 1 && replicas > current) || (ratio > 1 && replicas < current);
  return Proposal{wrong_way ? current : replicas, usage.shown};
}

/// A value of the whole: shared by all pods that are ready, or per replica.
Proposal from_value(const Metric& metric, std::int64_t value, const std::vector<Pod>& pods, int current,
                    const Tolerances& tolerances) {
  const auto usage = static_cast<double>(value), goal = static_cast<double>(metric.goal);
  if (metric.target == Metric::Target::average_value) {
    const double replicas = std::max(current, 1);
    const bool holds = current > 0 && tolerances.hold(usage / (goal * replicas));
    return {holds ? current : rounded_up(usage / goal), static_cast<std::int64_t>(std::ceil(usage / replicas))};
  }
  if (current == 0) return {rounded_up(usage / goal), value};
  if (tolerances.hold(usage / goal)) return {current, value};
  const auto ready = std::count_if(pods.begin(), pods.end(), [](const Pod& pod) { return pod.ready && !pod.pending; });
  return {rounded_up(usage / goal * static_cast<double>(ready)), value};
}

}  // namespace

std::string describe(const Metric& metric) {
  switch (metric.type) {
    case Metric::Type::resource:
      return metric.name + (metric.target == Metric::Target::utilization
                                ? " resource utilization (percentage of request)"
                                : " resource");
    case Metric::Type::pods:
      return "pods metric " + metric.name;
    case Metric::Type::object:
      return "object metric " + metric.name;
    case Metric::Type::external:
      return "external metric " + metric.name;
  }
  return metric.name;
}

Result<Proposal> propose(const Metric& metric, const Reading& reading, const std::vector<Pod>& pods, int current,
                         const Spec& spec, const Controller& controller) {
  const Tolerances tolerances = tolerances_of(spec, controller);
  if (metric.type == Metric::Type::resource || metric.type == Metric::Type::pods) {
    return from_pods(metric, reading, pods, current, tolerances, controller);
  }
  if (!reading.value) return make_error(ErrorCode::unavailable, fmt::format("{} has no value", describe(metric)));
  return from_value(metric, *reading.value, pods, current, tolerances);
}

}  // namespace lgen::hpa
