// Where runs have their control sockets: $XDG_RUNTIME_DIR/lgen, where there is none /tmp/lgen-UID; a folder for its
// owner alone, one socket for each run, named by its pid. Thread: the main thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "lgen/error.h"

namespace lgen::cli {

struct ControlSocket {
  pid_t pid = 0;
  std::string path;
};

/// Where a run of ours may put its socket; makes the folder. Fails where others could reach it.
Result<std::string> own_control_socket();

/// The runs of this user that answer; what dead ones have left behind is removed, their pids are in `gone`.
std::vector<ControlSocket> control_sockets(std::vector<pid_t>& gone);

/// Why there is none for `pid`, in words.
std::string no_control_socket(pid_t pid, const std::vector<pid_t>& gone);

/// "/run/user/1000/lgen".
std::string control_folder();

}  // namespace lgen::cli
