// What the command line of lgen-cluster says, as one value with its defaults.
//
// *Thread:* a plain value; read-only once the cluster runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace lgen::cluster {

// What the balancer deals out to the pods.
enum class Balance {
  kConnection,  // whole TCP connections
  kStream,      // every HTTP/2 stream by itself
  kZones,       // connections over zones, streams over the pods of a zone
};

const char* to_string(Balance balance);

struct TlsFiles {
  std::string cert;  // PEM, the chain included
  std::string key;   // PEM

  bool given() const { return !cert.empty(); }
};

struct ClusterOptions {
  int pods = 3;
  Balance balance = Balance::kConnection;
  int zones = 0;  // 0 unless balance is kZones
  std::uint16_t port = 18443;
  std::string base_ip = "auto";
  std::uint16_t sd_port = 0;
  TlsFiles tls;
  std::string log_dir;  // empty: inside the run directory
  int max_streams = 1000;
  std::string haproxy = "haproxy";
  std::chrono::milliseconds ready_timeout{60000};
  std::vector<std::string> pod_flags;

  // With manifests what runs is theirs to say, see kube_cluster.h.
  std::vector<std::string> manifests;
  std::vector<std::string> deployments;  // of them, to be run; empty: all
  double time_scale = 1;
  std::uint16_t dns_port = 0;
  std::string service;  // whose port --port is; empty: the first
  // In the cluster's time.
  std::chrono::nanoseconds endpoint_delay = std::chrono::seconds(1);
  std::chrono::nanoseconds scrape_interval = std::chrono::seconds(15);
  std::chrono::nanoseconds metric_lag{0};
};

// Exit codes; the words of `lgen` where it has them.
constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;           // a pod or HAProxy failed after it had been started
constexpr int kExitOutput = 113;         // nobody reads the events any more
constexpr int kExitConfiguration = 104;  // nothing was started: flags, files, ports, programs

// The options, or the code to exit with: --help, --version or a mistake have then been printed.
std::variant<ClusterOptions, int> parse_options(int argc, const char* const* argv);

}  // namespace lgen::cluster
