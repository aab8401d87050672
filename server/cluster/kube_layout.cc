#include "kube_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace lgen::cluster {

namespace {

constexpr int kLeastSlots = 16;

// Three times what can run at once: pods that end keep their addresses for a grace period.
int wanted_slots(const kube::Manifests& manifests) {
  int most = 0;
  for (const kube::Deployment& deployment : manifests.deployments) {
    int replicas = deployment.replicas;
    for (const kube::Autoscaler& autoscaler : manifests.autoscalers) {
      if (autoscaler.deployment == deployment.name) replicas = std::max(replicas, autoscaler.spec.max);
    }
    most += replicas + deployment.strategy.max_surge.of_up(replicas);
    if (most > kMaxPods) return kMaxPods;
  }
  return std::clamp(3 * most, kLeastSlots, kMaxPods);
}

// A base address that was given may leave less room.
int room_from(const std::string& base_ip, int wanted) {
  if (base_ip == "auto") return wanted;
  const int last = std::atoi(base_ip.substr(base_ip.rfind('.') + 1).c_str());
  return std::clamp(255 - last, 1, wanted);
}

// Kubernetes' alphabet for generated names: no vowels, so no words.
std::string letters(std::uint64_t value, int count) {
  constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string text;
  for (; count > 0; --count, value /= kAlphabet.size()) text += kAlphabet[value % kAlphabet.size()];
  return text;
}

// 64 bits of FNV-1a, mixed: names must look unlike, and be the same in every run.
std::uint64_t hash(const std::string& text) {
  std::uint64_t value = 0xcbf29ce484222325;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccd;
  return value ^ (value >> 33);
}

}  // namespace

int slots_for(const kube::Manifests& manifests, const std::string& base_ip) {
  return room_from(base_ip, wanted_slots(manifests));
}

std::vector<PodSpec> lay_out_slots(const ClusterOptions& options, const std::string& base_ip, int count) {
  std::vector<PodSpec> slots;
  for (int i = 0; i < count; ++i) {
    PodSpec slot{.name = fmt::format("slot-{}", i + 1), .zone = "", .ip = nth_address(base_ip, i)};
    if (options.zones > 0) slot.zone = fmt::format("zone-{}", static_cast<char>('a' + i * options.zones / count));
    slots.push_back(std::move(slot));
  }
  return slots;
}

std::vector<kube::LocalService> local_services(const kube::Manifests& manifests, const Fronts& fronts) {
  std::vector<kube::LocalService> services;
  for (const kube::Service& service : manifests.services) {
    kube::LocalService local{service.name, service.headless, {}};
    for (std::size_t i = 0; i < fronts.fronts().size(); ++i) {
      const Front& front = fronts.fronts()[i];
      if (front.service == service.name) local.addresses[front.service_port] = fronts.address_of(i);
    }
    services.push_back(std::move(local));
  }
  return services;
}

std::string template_hash(const std::string& deployment, int revision) {
  return letters(hash(fmt::format("{}/{}", deployment, revision)), 9);
}

std::string pod_name(const std::string& deployment, int revision, std::uint64_t number) {
  const std::string last = letters(hash(fmt::format("{}#{}", deployment, number)), 5);
  return fmt::format("{}-{}-{}", deployment, template_hash(deployment, revision), last);
}

}  // namespace lgen::cluster
