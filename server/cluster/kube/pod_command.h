// How a pod of a manifest is started on this machine: the flags and variables of its lgen-server.
//
// *Thread:* pure functions.
#pragma once

#include <string>
#include <vector>

#include "objects.h"
#include "service_names.h"

namespace lgen::kube {

struct PodIdentity {
  std::string name, deployment, ip, zone;  // zone may be empty
  int revision = 1;
  std::string template_hash;  // what tells the revision's pods from others', as in Kubernetes
};

// How this machine differs from what the manifests were written for.
struct Surroundings {
  double time_scale = 1;
  std::vector<std::string> extra_flags;
  std::vector<LocalService> services;
  std::string dns;
};

// The template's arguments with $(NAME) filled in and services by where they are here, then the extra flags, then what
// lgen-cluster sets itself: of each flag lgen-server takes the last. Times of a server's life (--max-connection-age,
// --drain-delay, ...) are divided by the time scale; what its work takes is not.
std::vector<std::string> pod_arguments(const PodTemplate& spec, const PodIdentity& pod, const Surroundings& around);

// "NAME=value".
std::vector<std::string> pod_environment(const PodTemplate& spec, const PodIdentity& pod);

// Where the pod's metrics are: the port whose name has "metrics" in it, else that of --metrics-port, else
// lgen-server's.
std::uint16_t metrics_port(const PodTemplate& spec);

// The number of a service's target port; 0: the container has no such port.
std::uint16_t target_port(const PodTemplate& spec, const std::string& target);

}  // namespace lgen::kube
