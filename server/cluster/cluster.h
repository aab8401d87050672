// Pods behind a balancer from start to stop: starts the pods, then HAProxy once all are ready, reports losses, stops
// all.
//
// *Thread:* the loop's, which must be the process's main thread (see ChildProcess).
// *Lifetime:* destruction kills whatever still runs and removes the run directory.
#pragma once

#include <uv.h>

#include <memory>
#include <string>
#include <vector>

#include "address_block.h"
#include "cluster_options.h"
#include "haproxy.h"
#include "pod.h"
#include "run_directory.h"
#include "sd_endpoint.h"
#include "unique_fd.h"
#include "uv_handles.h"

namespace lgen::cluster {

struct Programs {
  std::string server;
  std::string haproxy;
};

class Cluster {
 public:
  // Takes addresses and ports and starts the pods; throws ClusterError if that cannot be.
  Cluster(uv_loop_t* loop, ClusterOptions options, Programs programs);

  // HAProxy first, then the pods, so that their logs end with what their clients saw. The second call kills. Ends the
  // loop's run when all are gone.
  void stop();

  int exit_code() const { return exit_code_; }

 private:
  void start_pod(const PodSpec& spec);
  void start_balancer();
  void announce();

  void pod_ready();
  void pod_gone(std::size_t index, int status);
  void balancer_gone(int status);
  void ready_timed_out();
  void fail(const std::string& message);

  void stop_pods();
  void kill_all();
  void end_if_all_gone();
  void publish_pods();
  void write_pid_file(const std::string& name, pid_t pid) const;

  uv_loop_t* loop_;
  ClusterOptions options_;
  Programs programs_;
  bool stopping_ = false;
  int exit_code_ = kExitOk;

  RunDirectory run_directory_;
  std::string log_directory_;
  AddressBlock block_;
  UniqueFd listener_;
  std::uint16_t port_;
  std::string pem_;
  SdEndpoint sd_;
  Timer timer_;  // ready_timeout, later the patience of stop()
  std::vector<std::unique_ptr<Pod>> pods_;
  std::unique_ptr<Haproxy> balancer_;
};

}  // namespace lgen::cluster
