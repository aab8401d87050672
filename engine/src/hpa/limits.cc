// From what is wanted to what may be done: horizontal.go, normalizeDesiredReplicas and its relatives.
#include <algorithm>
#include <cmath>
#include <limits>

#include "lgen/hpa.h"

namespace lgen::hpa {
namespace {

constexpr int kAlwaysAllowed = 4;  // pods, when scaling up without `behavior`

Limited within(int desired, Limited least, Limited most) {
  if (desired < least.replicas) return least;
  if (desired > most.replicas) return most;
  return {desired, "DesiredWithinRange"};
}

/// min and max, and at most a doubling in one step.
Limited limit_without_behavior(int current, int desired, const Spec& spec) {
  const int step = std::max(2 * current, kAlwaysAllowed);
  const Limited most = spec.max > step ? Limited{step, "ScaleUpLimit"} : Limited{spec.max, "TooManyReplicas"};
  return within(desired, {spec.min, "TooFewReplicas"}, most);
}

int changed_within(Duration period, const std::vector<Mark>& events, TimePoint now) {
  int sum = 0;
  for (const Mark& event : events) sum += event.at > now - period ? event.replicas : 0;
  return sum;
}

enum class Way { up, down };

/// How far one policy lets the replicas go, counted from how many there were when its period began.
int reach(const Policy& policy, Way way, int current, const History& history, TimePoint now) {
  const int before =
      current - changed_within(policy.period, history.added, now) + changed_within(policy.period, history.removed, now);
  const auto sign = way == Way::up ? 1 : -1;
  if (policy.type == Policy::Type::pods) return before + sign * static_cast<int>(policy.value);
  const double share = before * (1 + sign * static_cast<double>(policy.value) / 100);
  return static_cast<int>(way == Way::up ? std::ceil(share) : share);
}

/// How far the rules let the replicas go; never back behind `current`.
int reach(const Rules& rules, Way way, int current, const History& history, TimePoint now) {
  if (rules.select == Select::disabled || rules.policies.empty()) return current;
  const bool highest = (way == Way::up) == (rules.select == Select::max);
  int chosen = highest ? std::numeric_limits<int>::min() : std::numeric_limits<int>::max();
  for (const Policy& policy : rules.policies) {
    const int one = reach(policy, way, current, history, now);
    chosen = highest ? std::max(chosen, one) : std::min(chosen, one);
  }
  return way == Way::up ? std::max(chosen, current) : std::min(chosen, current);
}

Limited limit_with_behavior(int current, int desired, const Spec& spec, const History& history, TimePoint now) {
  if (desired > current) {
    const int step = reach(spec.behavior->up, Way::up, current, history, now);
    const Limited most = spec.max > step ? Limited{step, "ScaleUpLimit"} : Limited{spec.max, "TooManyReplicas"};
    return within(desired, {desired, {}}, most);
  }
  if (desired < current) {
    const int step = reach(spec.behavior->down, Way::down, current, history, now);
    const Limited least = spec.min < step ? Limited{step, "ScaleDownLimit"} : Limited{spec.min, "TooFewReplicas"};
    return within(desired, least, {desired, {}});
  }
  return {desired, "DesiredWithinRange"};
}

int highest_after(TimePoint cutoff, const History& history, int start) {
  for (const Mark& one : history.recommendations) start = one.at > cutoff ? std::max(start, one.replicas) : start;
  return start;
}

int lowest_after(TimePoint cutoff, const History& history, int start) {
  for (const Mark& one : history.recommendations) start = one.at > cutoff ? std::min(start, one.replicas) : start;
  return start;
}

}  // namespace

Rules default_up() {
  return {.policies = {{Policy::Type::pods, 4, std::chrono::seconds(15)},
                       {Policy::Type::percent, 100, std::chrono::seconds(15)}},
          .stabilization = Duration::zero()};
}

Rules default_down() { return {.policies = {{Policy::Type::percent, 100, std::chrono::seconds(15)}}}; }

int stabilize(int current, int desired, const Spec& spec, const Controller& controller, const History& history,
              TimePoint now) {
  if (!spec.behavior) {
    const TimePoint cutoff = now - controller.downscale_stabilization;
    return highest_after(cutoff - Duration(1), history, desired);  // what is just as old still counts, here alone
  }
  const Duration up = spec.behavior->up.stabilization.value_or(Duration::zero());
  const Duration down = spec.behavior->down.stabilization.value_or(controller.downscale_stabilization);
  const int least = lowest_after(now - up, history, desired), most = highest_after(now - down, history, desired);
  return std::min(std::max(current, least), most);
}

Limited limit(int current, int desired, const Spec& spec, const History& history, TimePoint now) {
  return spec.behavior ? limit_with_behavior(current, desired, spec, history, now)
                       : limit_without_behavior(current, desired, spec);
}

}  // namespace lgen::hpa
