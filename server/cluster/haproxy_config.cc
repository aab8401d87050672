// Three shapes, checked against HAProxy 2.6:
//   connection   edge (tcp) -> pods (tcp)                           a connection stays on one pod
//   stream       edge (http, h2) -> pods (http, h2)                 every stream goes to the next pod
//   zones        edge (tcp) -> zone-a, zone-b (http, h2) -> pods-zone-a, pods-zone-b
//                                                                   a connection stays in its zone, its streams spread
// A pod takes part while GET /readyz on its metrics port answers 200. A gRPC health check would not do: over HTTP/2 it
// proves no more than status 200.
#include "haproxy_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <thread>

namespace lgen::cluster {

namespace {

constexpr const char* kReadiness = R"(    option httpchk
    http-check connect default port {} proto h1
    http-check send meth GET uri /readyz
    http-check expect status 200
)";

// Splicing moves bytes past HAProxy's buffers; without it both modes count bytes the same way. Retries and redispatch
// would hide what a dying pod does to its clients.
constexpr const char* kGlobal = R"(# Written by lgen-cluster; changes are lost.
global
    nbthread {threads}
    maxconn {max_connections}
    nosplice
    tune.h2.max-concurrent-streams {max_streams}
    stats socket {run_dir}/haproxy.sock mode 600 level admin
    stats timeout 1h

defaults
    timeout connect 5s
    timeout check 2s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
    retries 0
)";

std::string global_section(const BalancerSpec& spec) {
  return fmt::format(kGlobal, fmt::arg("threads", spec.threads), fmt::arg("max_connections", spec.max_connections),
                     fmt::arg("max_streams", spec.max_streams), fmt::arg("run_dir", spec.run_dir));
}

std::string edge_section(const BalancerSpec& spec, const char* mode, const char* backend) {
  std::string bind = fmt::format("fd@{}", spec.listener_fd);
  if (!spec.pem.empty()) bind += fmt::format(" ssl crt {} alpn h2", spec.pem);
  if (spec.balance == Balance::kStream && !spec.http1) bind += " proto h2";
  return fmt::format("\nfrontend {0}edge\n    mode {1}\n{2}    bind {3}\n    default_backend {0}{4}\n", spec.prefix,
                     mode, spec.balance == Balance::kStream ? "    option http-no-delay\n" : "", bind, backend);
}

std::string server_lines(const BalancerSpec& spec, const std::string& zone) {
  std::string lines;
  for (const PodSpec& pod : spec.pods) {
    if (pod.zone == zone) lines += fmt::format("    server {} {}:{}\n", pod.name, pod.ip, spec.port);
  }
  return lines;
}

// Who of the pods it was, where HAProxy has to answer itself: clients of a pod that is gone learn from that whose end
// it was.
constexpr const char* kUpstream =
    "    http-after-response set-header x-upstream %[srv_name] if { status 502 503 504 } { srv_name -m found }\n";

// How HAProxy learns who takes part.
std::string membership(const BalancerSpec& spec, const std::string& server_words) {
  if (spec.managed) return fmt::format("    default-server{} disabled\n", server_words);
  return fmt::format(fmt::runtime(kReadiness), kMetricsPort) +
         fmt::format("    default-server{} check inter 200ms fall 2 rise 1\n", server_words);
}

std::string tcp_pods_section(const BalancerSpec& spec) {
  return fmt::format("\nbackend {}pods\n    mode tcp\n    balance roundrobin\n", spec.prefix) + membership(spec, "") +
         server_lines(spec, "");
}

std::string http_pods_section(const BalancerSpec& spec, const std::string& name, const std::string& zone) {
  return fmt::format("\nbackend {}{}\n    mode http\n    balance roundrobin\n    option http-no-delay\n", spec.prefix,
                     name) +
         "    http-reuse always\n" + kUpstream + membership(spec, spec.http1 ? "" : " proto h2") +
         server_lines(spec, zone);
}

std::vector<std::string> zones_of(const std::vector<PodSpec>& pods) {
  std::vector<std::string> zones;
  for (const PodSpec& pod : pods) {
    if (zones.empty() || zones.back() != pod.zone) zones.push_back(pod.zone);
  }
  return zones;
}

// A zone without a ready pod leaves the first tier, so new connections go to the others. The check is HTTP/1, which is
// why the zone's bind does not insist on h2: clients' connections are recognised by their preface.
std::string zones_section(const BalancerSpec& spec, const std::vector<std::string>& zones) {
  std::string text = fmt::format("\nbackend {}zones\n    mode tcp\n    balance roundrobin\n", spec.prefix);
  text += spec.managed ? "    default-server disabled\n"
                       : "    option httpchk\n"
                         "    http-check send meth GET uri /zone-ready\n    http-check expect status 200\n"
                         "    default-server check inter 200ms fall 1 rise 1\n";
  for (const std::string& zone : zones) {
    text += fmt::format("    server {0} unix@{1}/{2}{0}.sock\n", zone, spec.run_dir, spec.prefix);
  }
  return text;
}

constexpr const char* kZone = R"(
frontend {prefix}{zone}
    mode http
    option http-no-delay
    bind unix@{run_dir}/{prefix}{zone}.sock mode 600
    monitor-uri /zone-ready
    monitor fail if {{ nbsrv({prefix}pods-{zone}) lt 1 }}
    default_backend {prefix}pods-{zone}
)";

std::string zone_section(const BalancerSpec& spec, const std::string& zone) {
  return fmt::format(kZone, fmt::arg("zone", zone), fmt::arg("run_dir", spec.run_dir),
                     fmt::arg("prefix", spec.prefix)) +
         http_pods_section(spec, "pods-" + zone, zone);
}

std::string front_sections(const BalancerSpec& spec) {
  switch (spec.balance) {
    case Balance::kConnection:
      return edge_section(spec, "tcp", "pods") + tcp_pods_section(spec);
    case Balance::kStream:
      return edge_section(spec, "http", "pods") + http_pods_section(spec, "pods", "");
    case Balance::kZones:
      break;
  }
  const std::vector<std::string> zones = zones_of(spec.pods);
  std::string text = edge_section(spec, "tcp", "zones") + zones_section(spec, zones);
  for (const std::string& zone : zones) text += zone_section(spec, zone);
  return text;
}

}  // namespace

int balancer_threads() { return std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / 2, 1, 4); }

std::string haproxy_config(const BalancerSpec& spec) { return haproxy_config(std::vector{spec}); }

std::string haproxy_config(const std::vector<BalancerSpec>& fronts) {
  std::string text = global_section(fronts.front());
  for (const BalancerSpec& front : fronts) text += front_sections(front);
  return text;
}

}  // namespace lgen::cluster
