// Names of headless services, answered over UDP on 127.0.0.1.
//
// *Thread:* the loop's. *Lifetime:* destruction closes the port.
#pragma once

#include <uv.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "unique_fd.h"
#include "uv_handles.h"

namespace lgen::cluster {

class DnsServer {
 public:
  using Lookup = std::function<std::optional<std::vector<std::string>>(const std::string& name)>;

  // On `port`, or 0 for a free one. `lookup` gives the IPv4 addresses of a name, nothing for one that is not known.
  // Throws ClusterError when the port is taken.
  DnsServer(uv_loop_t* loop, std::uint16_t port, Lookup lookup);

  std::string address() const;  // "127.0.0.1:PORT"

 private:
  void answer_one();

  Lookup lookup_;
  unsigned answered_ = 0;
  UniqueFd socket_;
  FdWatch watch_;
};

}  // namespace lgen::cluster
