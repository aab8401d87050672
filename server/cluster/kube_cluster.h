// Deployments, their autoscalers and their services on this machine: a Kubernetes cluster in small.
//
// One function, turn(), brings everything to what is wanted; every event and every due time calls it, and it does
// nothing when nothing is due. What is wanted is decided by kube/, which knows neither processes nor sockets.
//
// *Thread:* the loop's, which must be the process's main thread (see ChildProcess).
// *Lifetime:* destruction kills whatever still runs and removes the run directory.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "address_block.h"
#include "autoscaling.h"
#include "cluster.h"
#include "cluster_clock.h"
#include "cluster_options.h"
#include "dns_server.h"
#include "event_log.h"
#include "fronts.h"
#include "kube_pod.h"
#include "manifests.h"
#include "process_guard.h"
#include "run_directory.h"
#include "sd_endpoint.h"
#include "slot_pool.h"
#include "status_socket.h"

namespace lgen::cluster {

class KubeCluster final : private StatusSource {
 public:
  // Reads the manifests, takes addresses and ports and starts; throws ClusterError or ManifestError if that cannot be.
  KubeCluster(uv_loop_t* loop, ClusterOptions options, Programs programs);

  // HAProxy first, then the pods, without their hooks. The second call kills. Ends the loop's run when all are gone.
  void stop();

  int exit_code() const { return exit_code_; }

 private:
  struct Running {
    kube::Deployment spec;
    int replicas = 1;
    int revision = 1;
    bool rolling = false;
    std::uint64_t created = 0;  // pods, for their names
  };

  // A pod that is gone, whose address balancers still send calls to: it is nobody else's until they have heard.
  struct Departed {
    kube::PodIdentity identity;
    std::size_t slot;
    kube::EndpointState endpoint;
  };

  void begin();
  Facts service_facts() const;
  std::optional<std::vector<std::string>> addresses_of(const std::string& host) const;
  void wake();
  void turn();
  void schedule();
  void turn_pods();
  void turn_departed();
  void update_endpoint(kube::EndpointState& endpoint, const kube::PodIdentity& identity, std::size_t slot,
                       bool in_service);
  void remove_gone();
  void reconcile(Running& deployment);
  void note_rollout(Running& deployment, const kube::Wanted& wanted, const std::vector<kube::PodView>& views);
  bool create_pod(Running& deployment);
  void run_autoscalers();
  void note_readiness();
  bool is_behind_target(const KubePod& pod) const;
  void publish();
  void set_replicas(Running& deployment, int replicas, const std::string& why);

  void note_unread_events();
  void end_unread();
  void note_crash(const KubePod& pod, const std::string& how);
  void haproxy_gone(int status);
  void fail(const std::string& message);
  void stop_pods();
  void kill_all();
  void end_if_all_gone();

  // StatusSource.
  std::vector<kube::Row> rows(Table table) const override;
  std::vector<kube::HpaView> autoscalers() const override;
  std::string restart(const std::string& deployment) override;
  std::string scale(const std::string& deployment, int replicas) override;
  std::string remove(const std::string& pod, std::optional<Duration> grace) override;
  bool has_pod(const std::string& pod) const override { return find_pod(pod) != nullptr; }
  std::optional<kube::RolloutStatus> rollout(const std::string& deployment) const override;

  kube::DeploymentRow row(const Running& deployment) const;
  KubePod* find_pod(const std::string& name) const;
  Running* find_deployment(const std::string& name);
  const Running* find_deployment(const std::string& name) const;
  std::vector<const KubePod*> pods_of(const std::string& deployment) const;
  std::string no_room_for(const Running& deployment, int replicas) const;
  kube::Wanted wanted(const Running& deployment) const;
  std::vector<kube::PodView> views(const Running& deployment) const;

  uv_loop_t* loop_;
  ClusterOptions options_;
  Programs programs_;
  kube::Manifests manifests_;
  std::vector<kube::LocalService> services_;
  ClusterClock clock_;
  EventLog events_;
  bool stopping_ = false, announced_ready_ = false, waiting_for_address_ = false, said_no_address_ = false,
       said_unread_ = false;
  int exit_code_ = kExitOk;

  ProcessGuard guard_;
  RunDirectory run_directory_;
  std::string log_directory_;
  AddressBlock block_;
  SlotPool slots_;
  Fronts fronts_;
  std::string pem_;
  SdEndpoint sd_;
  DnsServer dns_;
  StatusSocket status_;
  Timer turn_timer_, stop_timer_;
  PodSurroundings around_;
  TimePoint next_sample_;
  std::set<std::string> crash_told_;  // of these Deployments
  std::vector<Running> deployments_;
  std::vector<Autoscaling> autoscalers_;
  std::vector<std::unique_ptr<KubePod>> pods_;  // in the order of their creation
  std::vector<Departed> departed_;
};

}  // namespace lgen::cluster
