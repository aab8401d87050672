// Serves the running pods' metrics addresses as Prometheus HTTP service discovery.
//
// *Thread:* set_document() from the loop's; the answers come from civetweb's own thread.
#pragma once

#include <CivetServer.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "layout.h"

namespace lgen::cluster {

// [{"targets": ["127.0.0.11:9464"], "labels": {"pod": "pod-1"}}, ...], with "zone" where there are zones.
std::string sd_document(const std::vector<PodSpec>& pods);

class SdEndpoint {
 public:
  // Listens on 127.0.0.1; port 0 takes a free one. Throws ClusterError when the port is taken.
  explicit SdEndpoint(std::uint16_t port);
  ~SdEndpoint();
  SdEndpoint(const SdEndpoint&) = delete;
  SdEndpoint& operator=(const SdEndpoint&) = delete;

  std::string url() const;  // http://127.0.0.1:PORT/sd
  void set_document(std::string json);

 private:
  class Handler;

  std::unique_ptr<Handler> handler_;
  std::unique_ptr<CivetServer> server_;
};

}  // namespace lgen::cluster
