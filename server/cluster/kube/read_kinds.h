// One Kubernetes object out of its YAML, for each kind that lgen-cluster knows.
//
// *Thread:* pure functions; they throw ManifestError.
#pragma once

#include <optional>
#include <vector>

#include "objects.h"
#include "yaml_node.h"

namespace lgen::kube {

// Nothing: it has no lgen-server. What is left out is added to `skipped`.
std::optional<Deployment> read_deployment(const YamlNode& object, std::vector<Skipped>& skipped);
Service read_service(const YamlNode& object, std::vector<Skipped>& skipped);
Autoscaler read_autoscaler(const YamlNode& object, std::vector<Skipped>& skipped);

// A probe; its port may name one of `ports`. `may_repeat`: more than one success may be asked for.
Probe read_probe(const YamlNode& node, const std::vector<Port>& ports, bool may_repeat);
// A container's preStop hook, if there is one.
PreStop read_pre_stop(const YamlNode& hook, const std::vector<Port>& ports, Duration grace);

}  // namespace lgen::kube
