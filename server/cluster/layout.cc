#include "layout.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include "error.h"

namespace lgen::cluster {

std::string nth_address(const std::string& base, int offset) {
  in_addr address{};
  if (inet_pton(AF_INET, base.c_str(), &address) != 1 || (ntohl(address.s_addr) >> 24) != 127) {
    throw ClusterError(fmt::format("--base-ip {} is not a loopback address; give 127.x.y.z or auto", base));
  }
  const std::uint32_t first = ntohl(address.s_addr);
  const std::uint32_t wanted = first + static_cast<std::uint32_t>(offset);
  if ((first & 0xff) == 0 || (wanted >> 8) != (first >> 8) || (wanted & 0xff) == 255) {
    throw ClusterError(
        fmt::format("--base-ip {} leaves no room for {} pods below .255; start lower", base, offset + 1));
  }
  address.s_addr = htonl(wanted);
  char text[INET_ADDRSTRLEN];
  return inet_ntop(AF_INET, &address, text, sizeof text);
}

std::vector<PodSpec> lay_out_pods(const ClusterOptions& options, const std::string& base_ip) {
  std::vector<PodSpec> pods;
  for (int i = 0; i < options.pods; ++i) {
    PodSpec pod{.name = fmt::format("pod-{}", i + 1), .zone = "", .ip = nth_address(base_ip, i)};
    if (options.zones > 0) {
      // Pod i belongs to zone floor(i * zones / pods); the zone's first pod is the least i with that value.
      const int zone = i * options.zones / options.pods;
      const int first = (zone * options.pods + options.zones - 1) / options.zones;
      const char letter = static_cast<char>('a' + zone);
      pod.zone = fmt::format("zone-{}", letter);
      pod.name = fmt::format("pod-{}{}", letter, i - first + 1);
    }
    pods.push_back(std::move(pod));
  }
  return pods;
}

std::vector<std::string> pod_arguments(const ClusterOptions& options, const PodSpec& pod) {
  std::vector<std::string> arguments = {"--bind", pod.ip, "--pod", pod.name};
  arguments.insert(arguments.end(), {"--grpc-port", std::to_string(kGrpcPort)});
  arguments.insert(arguments.end(), {"--metrics-port", std::to_string(kMetricsPort)});
  if (!pod.zone.empty()) arguments.insert(arguments.end(), {"--zone", pod.zone});
  if (options.tls.given() && options.balance == Balance::kConnection) {
    arguments.insert(arguments.end(), {"--tls-cert", options.tls.cert, "--tls-key", options.tls.key});
  }
  arguments.insert(arguments.end(), options.pod_flags.begin(), options.pod_flags.end());
  return arguments;
}

}  // namespace lgen::cluster
