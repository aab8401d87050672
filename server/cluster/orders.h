// `lgen-cluster get|rollout|scale|delete`: what is asked of a cluster that runs, in kubectl's words.
//
// *Thread:* a program of its own.
#pragma once

#include <string>
#include <vector>

namespace lgen::cluster {

bool is_order(int argc, const char* const* argv);

// Returns the exit code.
int run_order(int argc, const char* const* argv);

// The status sockets below `folders` on which a cluster answers, of this user.
std::vector<std::string> running_clusters(const std::vector<std::string>& folders);

}  // namespace lgen::cluster
