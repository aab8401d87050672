// HAProxy's configuration text for a set of pods and a way of balancing.
//
// *Thread:* a pure function.
#pragma once

#include <string>
#include <vector>

#include "cluster_options.h"
#include "layout.h"

namespace lgen::cluster {

struct BalancerSpec {
  std::string prefix;  // of all names, for a second front
  Balance balance = Balance::kConnection;
  bool http1 = false;              // HTTP/1.1 instead of HTTP/2
  bool managed = false;            // pods take part when the runtime API says so, and are not checked
  std::uint16_t port = kGrpcPort;  // of the pods
  std::vector<PodSpec> pods;
  int listener_fd = 3;         // the bound socket HAProxy inherits as its front
  std::string run_dir;         // for the sockets; no spaces in it
  std::string pem;             // certificate and key in one file; empty: no TLS at the front
  int max_streams = 1000;      // HTTP/2 streams per connection
  int max_connections = 2000;  // client connections
  int threads = 1;
};

// Half of the processors: the load generator and the pods need theirs.
int balancer_threads();

// The front is called `edge`; the pods' backend `pods`, or `pods-zone-a`, `pods-zone-b`, ... behind `zones`.
std::string haproxy_config(const BalancerSpec& spec);

// Several fronts in one HAProxy; what is the process's is the first one's.
std::string haproxy_config(const std::vector<BalancerSpec>& fronts);

}  // namespace lgen::cluster
