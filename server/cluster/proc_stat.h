// What /proc says of a process.
//
// *Thread:* any.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>

#include "lgen/time.h"

namespace lgen::cluster {

// CPU that the process has used, its own and the system's for it; nothing when it is gone.
std::optional<Duration> cpu_used(pid_t pid);

// The same from the text of /proc/PID/stat.
std::optional<Duration> cpu_of_stat(std::string_view stat, long ticks_per_second);

}  // namespace lgen::cluster
