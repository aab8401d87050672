// The rules of Kubernetes' deployment controller (pkg/controller/deployment/rolling.go), with the two ReplicaSets
// folded into one list of pods. Pods that are being deleted count for nothing: like Kubernetes, a rollout does not wait
// for them, except with the strategy Recreate.
//   new pods:  as many as are missing, while there are at most replicas + maxSurge in all
//   old pods:  those that are not available may go at once, the others while replicas - maxUnavailable are available;
//              new pods that are not available yet are taken off what may go
// An old pod that dies during a rollout is replaced by a new one, never by an old one.
#include "rollout.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace lgen::kube {

namespace {

using Views = std::vector<const PodView*>;

// The first of the order goes first: not running, not ready, ready for the shortest time, often restarted, youngest.
bool goes_before(const PodView* a, const PodView* b) {
  const auto key = [](const PodView& pod) {
    return std::tuple(pod.running, pod.ready, -pod.ready_since.time_since_epoch().count(), -pod.restarts,
                      -pod.created.time_since_epoch().count());
  };
  return key(*a) < key(*b);
}

Views active(const std::vector<PodView>& pods, bool of_wanted, int revision) {
  Views found;
  for (const PodView& pod : pods) {
    if (!pod.deleting && (pod.revision == revision) == of_wanted) found.push_back(&pod);
  }
  std::stable_sort(found.begin(), found.end(), goes_before);
  return found;
}

int available(const Views& pods) {
  return static_cast<int>(std::count_if(pods.begin(), pods.end(), [](const PodView* pod) { return pod->available; }));
}

int size(const Views& pods) { return static_cast<int>(pods.size()); }

void remove_first(const Views& pods, int count, Steps& steps) {
  for (int i = 0; i < std::min(count, size(pods)); ++i) steps.remove.push_back(pods[static_cast<std::size_t>(i)]->name);
}

// Kubernetes lets at least one pod be replaced: both at 0 (1 % of three pods, rounded down) means one unavailable.
int max_unavailable(const Wanted& wanted) {
  const int unavailable = std::min(wanted.strategy.max_unavailable.of_down(wanted.replicas), wanted.replicas);
  const bool stuck = unavailable == 0 && wanted.strategy.max_surge.of_up(wanted.replicas) == 0;
  return stuck ? 1 : unavailable;
}

// Old pods in their order: those that are not available first, which costs nobody anything.
int old_pods_to_go(const Wanted& wanted, const Views& fresh, const Views& old) {
  const int least = wanted.replicas - max_unavailable(wanted);
  const int waiting = std::max(0, std::min(size(fresh), wanted.replicas) - available(fresh));
  const int spare = size(fresh) + size(old) - least - waiting;
  const int unavailable_old = std::min(spare, size(old) - available(old));
  const int available_spare = available(fresh) + available(old) - least;
  return std::max(0, std::max(0, unavailable_old) + std::max(0, std::min(available_spare, spare - unavailable_old)));
}

Steps roll(const Wanted& wanted, const Views& fresh, const Views& old) {
  Steps steps;
  const int most = wanted.replicas + wanted.strategy.max_surge.of_up(wanted.replicas);
  const int missing = wanted.replicas - size(fresh);
  if (missing < 0) remove_first(fresh, -missing, steps);
  steps.create = std::max(0, std::min(missing, old.empty() ? missing : most - size(fresh) - size(old)));
  remove_first(old, old_pods_to_go(wanted, fresh, old), steps);
  return steps;
}

}  // namespace

Steps next_steps(const Wanted& wanted, const std::vector<PodView>& pods) {
  const Views fresh = active(pods, true, wanted.revision), old = active(pods, false, wanted.revision);
  const bool old_left =
      std::any_of(pods.begin(), pods.end(), [&](const PodView& pod) { return pod.revision != wanted.revision; });
  if (!wanted.strategy.recreate || !old_left) return roll(wanted, fresh, old);
  Steps steps;
  remove_first(old, size(old), steps);
  return steps;
}

bool is_complete(const Wanted& wanted, const std::vector<PodView>& pods) {
  const Views fresh = active(pods, true, wanted.revision), old = active(pods, false, wanted.revision);
  return old.empty() && size(fresh) == wanted.replicas && available(fresh) == wanted.replicas;
}

RolloutStatus rollout_status(const std::string& deployment, const Wanted& wanted, const std::vector<PodView>& pods) {
  if (is_complete(wanted, pods)) return {true, fmt::format("deployment \"{}\" successfully rolled out", deployment)};
  const Views fresh = active(pods, true, wanted.revision), old = active(pods, false, wanted.revision);
  std::string what;
  if (size(fresh) < wanted.replicas) {
    what = fmt::format("{} out of {} new replicas have been updated", size(fresh), wanted.replicas);
  } else if (!old.empty()) {
    what = fmt::format("{} old replicas are pending termination", size(old));
  } else {
    what = fmt::format("{} of {} updated replicas are available", available(fresh), size(fresh));
  }
  return {false, fmt::format("Waiting for deployment \"{}\" rollout to finish: {}...", deployment, what)};
}

}  // namespace lgen::kube
