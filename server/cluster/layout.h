// Which pods a cluster has: their names, zones, addresses and command lines.
//
// *Thread:* pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cluster_options.h"

namespace lgen::cluster {

// Every pod has the same ports, because every pod has its own address.
constexpr std::uint16_t kGrpcPort = 50051;
constexpr std::uint16_t kMetricsPort = 9464;

// A block of pods starts at .11 at best and ends at .254.
constexpr int kMaxPods = 244;

struct PodSpec {
  std::string name;  // "pod-2"; "pod-b1" with zones
  std::string zone;  // "zone-b", or empty
  std::string ip;
  std::uint16_t metrics_port = kMetricsPort;
};

// The IPv4 address `offset` after `base`. Throws ClusterError unless `base` is 127.a.b.c and the last octet has room.
std::string nth_address(const std::string& base, int offset);

// The pods in order of their addresses; zones are filled one after another and differ by at most one pod.
std::vector<PodSpec> lay_out_pods(const ClusterOptions& options, const std::string& base_ip);

// The flags of one pod, those after `--` last.
std::vector<std::string> pod_arguments(const ClusterOptions& options, const PodSpec& pod);

}  // namespace lgen::cluster
