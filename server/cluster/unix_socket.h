// Sockets with a path.
//
// *Thread:* any.
#pragma once

#include <string>

#include "unique_fd.h"

namespace lgen::cluster {

// A connection, or none with errno set.
UniqueFd connect_unix(const std::string& path);

// A listening socket for its owner alone. Throws ClusterError when that cannot be.
UniqueFd listen_unix(const std::string& path);

}  // namespace lgen::cluster
