// One round of the controller: horizontal.go, reconcileAutoscaler.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lgen/hpa.h"

namespace lgen::hpa {
namespace {

struct Wanted {
  int replicas = 0;
  const Metric* metric = nullptr;  // that asks for the most
};

/// The most that a metric asks for. Nothing: too little is known to decide, and `decision` says why.
std::optional<Wanted> ask_metrics(const Spec& spec, const Controller& controller, const Observation& seen,
                                  Decision& decision) {
  std::optional<Wanted> most;
  const Metric* failed = nullptr;
  for (std::size_t i = 0; i < spec.metrics.size(); ++i) {
    const Reading reading = i < seen.readings.size() ? seen.readings[i] : Reading{};
    auto proposal = propose(spec.metrics[i], reading, seen.pods, seen.replicas, spec, controller);
    if (!proposal.ok()) {
      if (failed == nullptr) failed = &spec.metrics[i];
    } else if (!most || proposal->replicas > most->replicas) {
      most = Wanted{proposal->replicas, &spec.metrics[i]};
    }
    decision.proposals.push_back(std::move(proposal));
  }
  // One metric that fails must not make pods go that it would have kept.
  if (!most || (failed != nullptr && most->replicas < seen.replicas)) return std::nullopt;
  return most;
}

std::string_view failure_reason(Metric::Type type) {
  switch (type) {
    case Metric::Type::resource:
      return "FailedGetResourceMetric";
    case Metric::Type::pods:
      return "FailedGetPodsMetric";
    case Metric::Type::object:
      return "FailedGetObjectMetric";
    case Metric::Type::external:
      return "FailedGetExternalMetric";
  }
  return "InvalidMetricSourceType";
}

Condition inactive(const Spec& spec, const std::vector<Result<Proposal>>& proposals) {
  const auto failed = [](const auto& proposal) { return !proposal.ok(); };
  const auto first = std::find_if(proposals.begin(), proposals.end(), failed);
  if (first == proposals.end()) return {false, "InvalidMetricSourceType", "the spec names no metric"};
  const Metric& metric = spec.metrics[static_cast<std::size_t>(first - proposals.begin())];
  return {false, std::string(failure_reason(metric.type)),
          fmt::format("{} of {} metrics failed; the first, {}: {}", std::count_if(first, proposals.end(), failed),
                      proposals.size(), describe(metric), first->error().message)};
}

Condition stability(int desired, int stabilized) {
  if (desired < stabilized) {
    return {true, "ScaleDownStabilized", "a recent round has asked for more pods"};
  }
  if (desired > stabilized) {
    return {true, "ScaleUpStabilized", "a recent round has asked for fewer pods"};
  }
  return {true, "ReadyForNewScale", "no recent round has asked for anything else"};
}

Condition rescaled(int replicas) {
  return {true, "SucceededRescale", fmt::format("the replicas were set to {}", replicas)};
}

std::string_view limit_message(std::string_view reason) {
  if (reason == "TooManyReplicas") return "more pods are asked for than maxReplicas allows";
  if (reason == "TooFewReplicas") return "fewer pods are asked for than minReplicas allows";
  if (reason == "ScaleUpLimit") return "so many pods at once are more than one step allows";
  if (reason == "ScaleDownLimit") return "so many pods fewer at once are more than one step allows";
  return "nothing limits the replicas";
}

Condition limited_by(std::string_view reason) {
  return {reason != "DesiredWithinRange", std::string(reason), std::string(limit_message(reason))};
}

Duration longest_period(const Rules& rules) {
  Duration longest{0};
  for (const Policy& policy : rules.policies) longest = std::max(longest, policy.period);
  return longest;
}

void forget_before(std::vector<Mark>& marks, TimePoint cutoff) {
  std::erase_if(marks, [cutoff](const Mark& mark) { return mark.at < cutoff; });
}

/// Keeps of the past what a later round can still ask for.
void forget(const Spec& spec, const Controller& controller, History& history, TimePoint now) {
  Duration window = controller.downscale_stabilization, period{0};
  if (spec.behavior) {
    const auto& [up, down] = *spec.behavior;
    window = std::max(up.stabilization.value_or(Duration::zero()), down.stabilization.value_or(window));
    period = std::max(longest_period(up), longest_period(down));
  }
  forget_before(history.recommendations, now - window);
  forget_before(history.added, now - period);
  forget_before(history.removed, now - period);
}

void note_change(int change, History& history, TimePoint now) {
  if (change > 0) history.added.push_back({now, change});
  if (change < 0) history.removed.push_back({now, -change});
}

/// By the metrics, within the limits.
void follow_metrics(const Spec& spec, const Controller& controller, const Observation& seen, History& history,
                    Decision& decision) {
  const auto wanted = ask_metrics(spec, controller, seen, decision);
  if (!wanted) {
    decision.scaling_active = inactive(spec, decision.proposals);
    return;
  }
  const std::string name = describe(*wanted->metric);
  decision.scaling_active = {true, "ValidMetricFound", "replicas follow " + name};
  const int stabilized = stabilize(seen.replicas, wanted->replicas, spec, controller, history, seen.now);
  history.recommendations.push_back({seen.now, wanted->replicas});
  decision.able_to_scale = stability(wanted->replicas, stabilized);
  const Limited limited = limit(seen.replicas, stabilized, spec, history, seen.now);
  decision.scaling_limited = limited_by(limited.reason);
  decision.desired = limited.replicas;
  // By what the metrics ask for, even where the limits then turn it round.
  if (decision.desired == seen.replicas) return;
  if (wanted->replicas > seen.replicas) decision.cause = name + " above target";
  if (wanted->replicas < seen.replicas) decision.cause = "All metrics below target";
}

}  // namespace

Decision decide(const Spec& spec, const Controller& controller, const Observation& seen, History& history) {
  if (!std::exchange(history.begun, true)) history.recommendations.push_back({seen.now, seen.replicas});
  Decision decision{.desired = seen.replicas, .able_to_scale = {true, "SucceededGetScale", ""}};
  if (seen.replicas == 0 && spec.min != 0) {
    decision.scaling_active = {false, "ScalingDisabled",
                               "there are no pods, and minReplicas does not allow that: nothing is scaled"};
  } else if (seen.replicas > spec.max) {
    decision.desired = spec.max;
    decision.cause = "Current number of replicas above Spec.MaxReplicas";
  } else if (seen.replicas < spec.min) {
    decision.desired = spec.min;
    decision.cause = "Current number of replicas below Spec.MinReplicas";
  } else {
    follow_metrics(spec, controller, seen, history, decision);
  }
  if (decision.desired != seen.replicas) decision.able_to_scale = rescaled(decision.desired);
  note_change(decision.desired - seen.replicas, history, seen.now);
  forget(spec, controller, history, seen.now);
  return decision;
}

std::string explain(const Decision& decision) {
  if (!decision.scaling_active.is_true && !decision.scaling_active.reason.empty()) {
    return decision.scaling_active.reason;
  }
  if (decision.scaling_limited.is_true) return decision.scaling_limited.reason;
  if (decision.able_to_scale.reason.ends_with("Stabilized")) return decision.able_to_scale.reason;
  // In few words: which kind a metric is of says its target.
  std::string cause = decision.cause;
  for (const std::string_view kind : {"pods metric ", " resource utilization (percentage of request)", " resource",
                                      "object metric ", "external metric ", "Current number of replicas "}) {
    if (const std::size_t at = cause.find(kind); at != std::string::npos) cause.erase(at, kind.size());
  }
  return cause;
}

}  // namespace lgen::hpa
