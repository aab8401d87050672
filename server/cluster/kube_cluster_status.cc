// What KubeCluster tells of itself and takes orders for (StatusSource), and how it finds its pods.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "kube_cluster.h"

namespace lgen::cluster {

std::vector<kube::Row> KubeCluster::rows(Table table) const {
  std::vector<kube::Row> rows;
  switch (table) {
    case Table::pods:
      for (const auto& pod : pods_) rows.push_back(kube::cells(pod->row()));
      std::sort(rows.begin(), rows.end());  // by name, as kubectl
      break;
    case Table::deployments:
      for (const Running& deployment : deployments_) rows.push_back(kube::cells(row(deployment)));
      break;
    case Table::hpa:
      for (const kube::HpaView& hpa : autoscalers()) rows.push_back(kube::cells(hpa));
      break;
  }
  return rows;
}

std::vector<kube::HpaView> KubeCluster::autoscalers() const {
  std::vector<kube::HpaView> views;
  for (const Autoscaling& autoscaler : autoscalers_) views.push_back(autoscaler.view(clock_.now()));
  return views;
}

kube::DeploymentRow KubeCluster::row(const Running& deployment) const {
  kube::DeploymentRow row{.name = deployment.spec.name, .replicas = deployment.replicas, .age = clock_.since_start()};
  for (const kube::PodView& pod : views(deployment)) {
    if (pod.deleting) continue;
    row.ready += pod.ready ? 1 : 0;
    row.updated += pod.revision == deployment.revision ? 1 : 0;
    row.available += pod.available ? 1 : 0;
  }
  return row;
}

std::string KubeCluster::restart(const std::string& name) {
  Running* deployment = find_deployment(name);
  if (deployment == nullptr) return not_found("deployments.apps", name);
  ++deployment->revision;
  deployment->rolling = true;
  events_.write("rollout_started", {{"deployment", name}, {"revision", deployment->revision}});
  wake();
  return "";
}

std::string KubeCluster::scale(const std::string& name, int replicas) {
  Running* deployment = find_deployment(name);
  if (deployment == nullptr) return not_found("deployments.apps", name);
  if (const std::string problem = no_room_for(*deployment, replicas); !problem.empty()) return problem;
  set_replicas(*deployment, replicas, "lgen-cluster scale");
  wake();
  return "";
}

std::string KubeCluster::remove(const std::string& name, std::optional<Duration> grace) {
  KubePod* pod = find_pod(name);
  if (pod == nullptr) return not_found("pods", name);
  pod->remove("lgen-cluster delete pod", grace);
  wake();
  return "";
}

std::optional<kube::RolloutStatus> KubeCluster::rollout(const std::string& name) const {
  const Running* deployment = find_deployment(name);
  if (deployment == nullptr) return std::nullopt;
  return kube::rollout_status(name, wanted(*deployment), views(*deployment));
}

// More pods than there are addresses would be waited for without end.
std::string KubeCluster::no_room_for(const Running& deployment, int replicas) const {
  int room = static_cast<int>(slots_.slots().size());
  for (const Running& other : deployments_) room -= &other == &deployment ? 0 : other.replicas;
  if (replicas <= std::max(room, deployment.replicas)) return "";
  return fmt::format(
      "Error: {} replicas of deployments.apps \"{}\" do not fit: {} do. A cluster takes its {} addresses when it "
      "starts, "
      "three for each pod that replicas or maxReplicas of its manifests ask for, {} at most",
      replicas, deployment.spec.name, std::max(room, 0), slots_.slots().size(), kMaxPods);
}

KubePod* KubeCluster::find_pod(const std::string& name) const {
  const auto pod = std::find_if(pods_.begin(), pods_.end(), [&](const auto& one) { return one->name() == name; });
  return pod == pods_.end() ? nullptr : pod->get();
}

const KubeCluster::Running* KubeCluster::find_deployment(const std::string& name) const {
  const auto found = std::find_if(deployments_.begin(), deployments_.end(),
                                  [&](const Running& deployment) { return deployment.spec.name == name; });
  return found == deployments_.end() ? nullptr : &*found;
}

KubeCluster::Running* KubeCluster::find_deployment(const std::string& name) {
  return const_cast<Running*>(std::as_const(*this).find_deployment(name));
}

std::vector<const KubePod*> KubeCluster::pods_of(const std::string& deployment) const {
  std::vector<const KubePod*> found;
  for (const auto& pod : pods_) {
    if (pod->identity().deployment == deployment) found.push_back(pod.get());
  }
  return found;
}

kube::Wanted KubeCluster::wanted(const Running& deployment) const {
  return {deployment.replicas, deployment.revision, deployment.spec.strategy};
}

std::vector<kube::PodView> KubeCluster::views(const Running& deployment) const {
  std::vector<kube::PodView> views;
  for (const KubePod* pod : pods_of(deployment.spec.name)) views.push_back(pod->view(deployment.spec.min_ready));
  return views;
}

}  // namespace lgen::cluster
