// --local: an lgen-cluster of our own for the length of the run.
// Thread: the main thread.
// Lifetime: the cluster is stopped by the destructor; it also ends by itself when we die.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "lgen/error.h"

namespace lgen::cli {

/// Chosen before the cluster is there, so that a plan can be loaded first.
struct LocalPorts {
  int target = 0;     // HAProxy's
  int discovery = 0;  // of the pods' metrics pages: sd_url()

  std::string sd_url() const { return "sd+http://127.0.0.1:" + std::to_string(discovery) + "/sd/target"; }
};

class LocalCluster {
 public:
  /// `spec`: "pods=3,balance=connection,zones=2", each word a flag of lgen-cluster; empty: its defaults. Waits until
  /// every pod is ready, or until a signal that was caught by early_signals.h (an Error: cancelled).
  static Result<std::unique_ptr<LocalCluster>> start(const std::string& spec, const LocalPorts& ports);
  /// Loopback ports that are free now, so that the plan can be loaded with its target before the cluster costs time.
  static Result<LocalPorts> free_ports();
  ~LocalCluster();
  LocalCluster(const LocalCluster&) = delete;
  LocalCluster& operator=(const LocalCluster&) = delete;

  /// "3 pods behind HAProxy at 127.0.0.1:38399, balance=connection".
  const std::string& description() const { return description_; }
  /// "lgen-cluster (pid 4711) was killed by signal 9"; "" while it runs.
  std::string how_it_ended() const;

 private:
  LocalCluster() = default;
  pid_t pid_ = -1;
  int output_ = -1;
  std::string description_;
};

}  // namespace lgen::cli
