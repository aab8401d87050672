// Takes TCP ports before the programs that use them start, and says who has one that is taken.
//
// *Thread:* any; no state.
#pragma once

#include <cstdint>
#include <string>

#include "unique_fd.h"

namespace lgen::cluster {

// A listening socket on `ip`:`port` (0: a free port). Clients that come before somebody accepts wait in its queue.
// Throws ClusterError naming the owner of a taken port; `flag` is what the user would change ("--port").
UniqueFd listen_on(const std::string& ip, std::uint16_t port, const char* flag);

std::uint16_t port_of(const UniqueFd& socket);

// Whether a program could listen on `ip`:`port` now.
bool is_free(const std::string& ip, std::uint16_t port);

// Who listens on `ip`:`port`, or on that port of all addresses: "haproxy (pid 123)", or "a process of another user"
// when /proc does not show it.
std::string owner_of_port(const std::string& ip, std::uint16_t port);

}  // namespace lgen::cluster
