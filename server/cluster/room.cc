#include "room.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace lgen::cluster {

namespace {

// What a Deployment is said to have, and where.
struct Need {
  std::int64_t pods;
  std::string place;
};

const kube::Autoscaler* autoscaler_of(const kube::Deployment& deployment, const kube::Manifests& manifests) {
  const auto found = std::find_if(manifests.autoscalers.begin(), manifests.autoscalers.end(),
                                  [&](const kube::Autoscaler& one) { return one.deployment == deployment.name; });
  return found == manifests.autoscalers.end() ? nullptr : &*found;
}

// An autoscaler's bounds are kept from its first round on.
Need need_of(const kube::Deployment& deployment, const kube::Autoscaler* autoscaler) {
  if (autoscaler != nullptr && autoscaler->spec.min > deployment.replicas) {
    return {autoscaler->spec.min, autoscaler->min_place};
  }
  return {deployment.replicas, deployment.replicas_place};
}

}  // namespace

std::vector<std::string> check_room(const kube::Manifests& manifests, int slots) {
  std::int64_t least = 0;
  for (const kube::Deployment& deployment : manifests.deployments) {
    const Need need = need_of(deployment, autoscaler_of(deployment, manifests));
    const std::int64_t room = slots - least;
    least += need.pods;
    if (least <= slots) continue;
    throw kube::ManifestError(fmt::format("{} is {}, for which this cluster has no room: {} pods fit{}", need.place,
                                          need.pods, room, room < slots ? " beside the other Deployments'" : ""));
  }
  std::vector<std::string> warnings;
  for (const kube::Deployment& deployment : manifests.deployments) {
    const kube::Autoscaler* autoscaler = autoscaler_of(deployment, manifests);
    if (autoscaler == nullptr) continue;
    const std::int64_t room = slots - least + need_of(deployment, autoscaler).pods;
    if (autoscaler->spec.max <= room) continue;
    warnings.push_back(
        fmt::format("{} is {}, but this cluster has addresses for {} pods of Deployment {}: it will not "
                    "be scaled any further",
                    autoscaler->max_place, autoscaler->spec.max, room, deployment.name));
  }
  return warnings;
}

}  // namespace lgen::cluster
