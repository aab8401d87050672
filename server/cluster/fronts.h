// The services' ports on this machine, and HAProxy behind them: which pods take part is told through its runtime API.
//
// *Thread:* the loop's. *Lifetime:* destruction kills HAProxy.
#pragma once

#include <uv.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cluster_options.h"
#include "event_log.h"
#include "haproxy.h"
#include "haproxy_config.h"
#include "haproxy_runtime.h"
#include "objects.h"
#include "slot_pool.h"
#include "unique_fd.h"

namespace lgen::cluster {

// One port of one service.
struct Front {
  std::string service, deployment;
  std::uint16_t service_port = 0;
  std::uint16_t pod_port = 0;
  bool http1 = false;
};

bool selects(const kube::Service& service, const kube::Deployment& deployment);

// A front for each port of each service that selects a Deployment, headless ones aside; the first is the one --port is
// for: of the service called `preferred`, or else the first that is not HTTP/1.1. Without any service: the first
// Deployment's gRPC port. Throws ClusterError when there is no service `preferred`. What selects nothing is added to
// `skipped`.
std::vector<Front> lay_out_fronts(kube::Manifests& manifests, const std::string& preferred);

class Fronts {
 public:
  struct Events {
    std::function<void()> on_ready;
    std::function<void()> on_settled;  // HAProxy knows of every member
    std::function<void(int status)> on_exit;
    std::function<void(const std::string&)> complain;
  };

  // Takes the ports; throws ClusterError.
  Fronts(uv_loop_t* loop, const ClusterOptions& options, std::vector<Front> fronts);

  void start(const std::string& program, const std::string& run_dir, const std::string& pem, const SlotPool& slots,
             Events events);

  // The pod at `slot` takes part in its Deployment's services, or no longer does.
  void set_member(const std::string& deployment, const PodSpec& slot, bool takes_part);

  bool settled() const { return runtime_->done(); }

  const std::vector<Front>& fronts() const { return fronts_; }
  std::string address() const { return address_of(0); }
  std::string address_of(std::size_t front) const;
  // [{"service": ..., "port": ..., "deployment": ..., "address": ...}]
  Facts facts() const;

  pid_t pid() const { return haproxy_->pid(); }
  bool running() const { return haproxy_ != nullptr && haproxy_->running(); }
  void send_signal(int number);

 private:
  BalancerSpec balancer_spec(std::size_t front, const std::string& run_dir, const std::string& pem,
                             const SlotPool& slots) const;
  std::string prefix(std::size_t front) const;

  void set_server(const std::string& server, bool takes_part);

  uv_loop_t* loop_;
  const ClusterOptions& options_;
  std::vector<Front> fronts_;
  std::vector<UniqueFd> listeners_;  // until HAProxy has them
  std::vector<std::uint16_t> ports_;
  std::map<std::string, int> members_;  // by backend, of zones
  std::unique_ptr<HaproxyRuntime> runtime_;
  std::unique_ptr<Haproxy> haproxy_;
};

}  // namespace lgen::cluster
