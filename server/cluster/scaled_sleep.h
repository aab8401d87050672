// Hooks and probes say `sleep 60` in the cluster's time: where that runs faster, they find a `sleep` that does, too.
//
// *Thread:* any.
#pragma once

#include <string>

namespace lgen::cluster {

// The PATH for commands. Unless `time_scale` is 1 it begins with a folder of `run_dir` that has such a `sleep`.
std::string command_path(const std::string& run_dir, double time_scale);

}  // namespace lgen::cluster
