// Whether the pods that manifests ask for fit into a cluster's addresses.
//
// *Thread:* pure functions.
#pragma once

#include <string>
#include <vector>

#include "objects.h"

namespace lgen::cluster {

// Throws ManifestError when replicas and minReplicas need more than `slots` pods; returns what is to be told of
// maxReplicas that do.
std::vector<std::string> check_room(const kube::Manifests& manifests, int slots);

}  // namespace lgen::cluster
