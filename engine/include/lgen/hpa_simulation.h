// What the autoscaler makes of a load over time, without a cluster: its rounds on a clock of our own.
// Thread: values.
// Units: load in whatever it is counted in (streams, calls a second); times from the start.
#pragma once

#include <vector>

#include "lgen/hpa.h"

namespace lgen::hpa {

/// The load is a line through these; before the first and behind the last it stays as it is there.
struct LoadPoint {
  Duration at{0};
  double load = 0;
};

struct Simulation {
  Spec spec;
  Controller controller;
  std::vector<LoadPoint> load;
  Duration length{0};
  /// What one unit of load is of each metric of `spec`, in thousandths: 1000 for a gauge that counts it, 12 for
  /// 12 millicores. The load is shared evenly by the pods that are ready.
  std::vector<double> per_load;
  std::int64_t cpu_request = 0;  // of each pod, millicores
  Duration metric_lag{0};        // how old what the autoscaler sees is
  Duration pod_start{0};         // from creation to ready
  int replicas = 0;              // at the start, all ready; 0: spec.min
};

/// One round of the controller.
struct Round {
  Duration at{0};
  double load = 0;
  int replicas = 0;  // before the round
  int ready = 0;     // of these
  Decision decision;
};

std::vector<Round> simulate(const Simulation& simulation);

}  // namespace lgen::hpa
