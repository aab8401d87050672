// Services by the names that pods know them by, and where they are on this machine.
//
// A headless service is a name in lgen-cluster's own DNS server, so that gRPC finds its pods, and finds changes, as it
// does in a cluster. Any other service is a port of HAProxy's.
//
// *Thread:* pure functions.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lgen::kube {

struct LocalService {
  std::string name;
  bool headless = false;
  std::map<int, std::string> addresses;  // by the service's port, unless it is headless: "127.0.0.1:40001"
};

// The service that `host` names: "NAME", or NAME.NAMESPACE with or without .svc and .svc.cluster.local behind it.
const LocalService* find_service(std::string_view host, const std::vector<LocalService>& services);

// "dns:///NAME:PORT", "http://NAME:PORT/path" or "NAME:PORT" as it is reached on this machine, with the DNS server at
// `dns`. What names no service is left as it is.
std::string localized(const std::string& target, const std::vector<LocalService>& services, const std::string& dns);

// The answer to a DNS query: `lookup` gives the IPv4 addresses of a name, or nothing for one that is unknown. Empty for
// what is no query. Of more addresses than a datagram takes (about 28) the first are told; `turn` rotates them.
std::string dns_reply(std::string_view query, unsigned turn,
                      const std::function<std::optional<std::vector<std::string>>(const std::string&)>& lookup);

}  // namespace lgen::kube
