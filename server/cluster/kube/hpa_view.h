// An autoscaler as `get hpa` and `describe hpa` show it: what it is told, what it last saw and decided, what it did.
//
// *Thread:* values.
#pragma once

#include <string>
#include <vector>

#include "lgen/hpa.h"
#include "lgen/time.h"

namespace lgen::kube {

struct Rescale {
  Duration age{0};
  int replicas = 0;
  std::string reason;
};

struct HpaView {
  std::string name, deployment;
  hpa::Spec spec;
  hpa::Decision last;  // without proposals before the first round
  int replicas = 0;    // that the last round found; 0 before it, as in Kubernetes
  std::vector<Rescale> rescales;
  Duration age{0};
};

// What `describe hpa` prints.
std::string description(const HpaView& hpa);

}  // namespace lgen::kube
