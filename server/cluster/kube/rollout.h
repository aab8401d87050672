// What a Deployment does next: how many pods to create and which to delete, out of what is wanted and what there is.
//
// *Thread:* pure functions.
#pragma once

#include <string>
#include <vector>

#include "objects.h"

namespace lgen::kube {

struct PodView {
  std::string name;
  int revision = 1;  // of the template
  bool deleting = false;
  bool running = true;
  bool ready = false;
  bool available = false;  // ready for minReadySeconds
  int restarts = 0;
  TimePoint ready_since, created;
};

struct Wanted {
  int replicas = 1;
  int revision = 1;
  Strategy strategy;
};

struct Steps {
  int create = 0;  // of the wanted revision
  std::vector<std::string> remove;
};

Steps next_steps(const Wanted& wanted, const std::vector<PodView>& pods);

// Whether every pod is of the wanted revision and available, and none is left over.
bool is_complete(const Wanted& wanted, const std::vector<PodView>& pods);

struct RolloutStatus {
  bool complete = false;
  std::string text;
};

// In kubectl's words.
RolloutStatus rollout_status(const std::string& deployment, const Wanted& wanted, const std::vector<PodView>& pods);

}  // namespace lgen::kube
