#include "fronts.h"

#include <fmt/format.h>

#include <algorithm>

#include "descriptor_limit.h"
#include "error.h"
#include "pod_command.h"
#include "tcp_port.h"

namespace lgen::cluster {

namespace {

constexpr const char* kFrontAddress = "127.0.0.1";
constexpr int kFirstInheritedFd = 3;

void add_fronts(const kube::Service& service, const kube::Deployment& deployment, std::vector<Front>& fronts) {
  for (const kube::ServicePort& port : service.ports) {
    const std::uint16_t pod_port = kube::target_port(deployment.pod, port.target);
    if (pod_port == 0) {
      throw ClusterError(fmt::format("Service {} sends port {} to {}, which is no port of Deployment {}'s container",
                                     service.name, port.port, port.target, deployment.name));
    }
    fronts.push_back({service.name, deployment.name, port.port, pod_port, port.http1});
  }
}

}  // namespace

bool selects(const kube::Service& service, const kube::Deployment& deployment) {
  const auto& labels = deployment.pod.labels;
  return !service.selector.empty() &&
         std::all_of(service.selector.begin(), service.selector.end(), [&](const auto& wanted) {
           const auto label = labels.find(wanted.first);
           return label != labels.end() && label->second == wanted.second;
         });
}

std::vector<Front> lay_out_fronts(kube::Manifests& manifests, const std::string& preferred) {
  std::vector<Front> fronts;
  for (const kube::Service& service : manifests.services) {
    if (service.headless) continue;
    const std::size_t before = fronts.size();
    for (const kube::Deployment& deployment : manifests.deployments) {
      if (selects(service, deployment)) add_fronts(service, deployment, fronts);
    }
    if (fronts.size() == before) {
      manifests.skipped.push_back({"Service", service.name, "", "it selects no Deployment that runs, or has no port"});
    }
  }
  if (fronts.empty() && preferred.empty()) {
    fronts.push_back({"", manifests.deployments.front().name, kGrpcPort, kGrpcPort, false});
  }
  const auto main_front = std::find_if(fronts.begin(), fronts.end(), [&](const Front& front) {
    return preferred.empty() ? !front.http1 : front.service == preferred;
  });
  if (main_front == fronts.end() && !preferred.empty()) {
    throw ClusterError(
        fmt::format("--service {}: no Service of that name, headless ones aside, selects a Deployment", preferred));
  }
  if (main_front != fronts.end()) std::rotate(fronts.begin(), main_front, main_front + 1);
  return fronts;
}

Fronts::Fronts(uv_loop_t* loop, const ClusterOptions& options, std::vector<Front> fronts)
    : loop_(loop), options_(options), fronts_(std::move(fronts)) {
  for (std::size_t i = 0; i < fronts_.size(); ++i) {
    listeners_.push_back(listen_on(kFrontAddress, i == 0 ? options.port : 0, "--port"));
    ports_.push_back(port_of(listeners_.back()));
  }
}

std::string Fronts::prefix(std::size_t front) const {
  return front == 0 ? "" : fmt::format("{}-{}-", fronts_[front].service, fronts_[front].service_port);
}

std::string Fronts::address_of(std::size_t front) const { return fmt::format("{}:{}", kFrontAddress, ports_[front]); }

BalancerSpec Fronts::balancer_spec(std::size_t front, const std::string& run_dir, const std::string& pem,
                                   const SlotPool& slots) const {
  return {.prefix = prefix(front),
          .balance = options_.balance,
          .http1 = fronts_[front].http1,
          .managed = true,
          .port = fronts_[front].pod_port,
          .pods = slots.slots(),
          .listener_fd = kFirstInheritedFd + static_cast<int>(front),
          .run_dir = run_dir,
          .pem = front == 0 ? pem : "",
          .max_streams = options_.max_streams,
          .max_connections = connections_for(raise_descriptor_limit()),
          .threads = balancer_threads()};
}

void Fronts::start(const std::string& program, const std::string& run_dir, const std::string& pem,
                   const SlotPool& slots, Events events) {
  std::vector<BalancerSpec> specs;
  HaproxySpec haproxy{program, "", run_dir, {}};
  for (std::size_t i = 0; i < fronts_.size(); ++i) {
    specs.push_back(balancer_spec(i, run_dir, pem, slots));
    haproxy.listener_fds.push_back(listeners_[i].get());
  }
  haproxy.config = haproxy_config(specs);
  runtime_ = std::make_unique<HaproxyRuntime>(loop_, run_dir + "/haproxy.sock",
                                              HaproxyRuntime::Events{events.on_settled, events.complain});
  const auto on_ready = [this, announce = events.on_ready] {
    runtime_->haproxy_is_ready();
    announce();
  };
  haproxy_ = std::make_unique<Haproxy>(loop_, haproxy, Haproxy::Events{on_ready, events.on_exit});
  // HAProxy's alone from now on: its end must end the ports, not leave clients waiting in our queues.
  listeners_.clear();
}

void Fronts::set_member(const std::string& deployment, const PodSpec& slot, bool takes_part) {
  for (std::size_t i = 0; i < fronts_.size(); ++i) {
    if (fronts_[i].deployment != deployment) continue;
    const bool zones = options_.balance == Balance::kZones;
    const std::string backend = prefix(i) + (zones ? "pods-" + slot.zone : "pods");
    set_server(backend + "/" + slot.name, takes_part);
    // A zone takes part while one of its pods does.
    int& members = members_[backend];
    members += takes_part ? 1 : -1;
    if (zones && members == (takes_part ? 1 : 0)) set_server(prefix(i) + "zones/" + slot.zone, takes_part);
  }
}

// "maint" ends nothing: what is open goes on, nothing new comes.
void Fronts::set_server(const std::string& server, bool takes_part) {
  runtime_->send(fmt::format("set server {} state {}", server, takes_part ? "ready" : "maint"));
}

Facts Fronts::facts() const {
  Facts list = Facts::array();
  for (std::size_t i = 0; i < fronts_.size(); ++i) {
    list.push_back({{"service", fronts_[i].service},
                    {"port", fronts_[i].service_port},
                    {"deployment", fronts_[i].deployment},
                    {"address", address_of(i)}});
  }
  return list;
}

void Fronts::send_signal(int number) {
  if (haproxy_ != nullptr) haproxy_->send_signal(number);
}

}  // namespace lgen::cluster
