// What a cluster of manifests has on this machine: addresses, names, services.
//
// *Thread:* pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cluster_options.h"
#include "fronts.h"
#include "layout.h"
#include "objects.h"
#include "service_names.h"

namespace lgen::cluster {

// Addresses to keep for the pods, from `base_ip` ("auto": wherever there is room).
int slots_for(const kube::Manifests& manifests, const std::string& base_ip);

std::vector<PodSpec> lay_out_slots(const ClusterOptions& options, const std::string& base_ip, int count);

// Where the manifests' services are: at HAProxy's ports, or, headless ones, in the DNS server.
std::vector<kube::LocalService> local_services(const kube::Manifests& manifests, const Fronts& fronts);

// As Kubernetes': what tells the pods of a revision, and a pod's name: deployment, that, pod; the same in every run.
std::string template_hash(const std::string& deployment, int revision);
std::string pod_name(const std::string& deployment, int revision, std::uint64_t number);

}  // namespace lgen::cluster
