// The keys that Kubernetes knows where lgen-cluster acts on a manifest: one that is nobody's is a slip of the pen,
// which Kubernetes refuses, too; one that lgen-cluster does not act on, and whose absence would be noticed, is named.
//
// *Thread:* pure functions; they throw ManifestError for a key that is nobody's.
#pragma once

#include <vector>

#include "objects.h"
#include "yaml_node.h"

namespace lgen::kube {

void check_deployment_keys(const YamlNode& spec, const YamlNode& container, std::vector<Skipped>& skipped);
void check_service_keys(const YamlNode& spec, std::vector<Skipped>& skipped);
void check_autoscaler_keys(const YamlNode& spec, std::vector<Skipped>& skipped);

}  // namespace lgen::kube
