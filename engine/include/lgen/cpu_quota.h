// For how long the kernel has kept this process off the CPU because its group's quota was used up.
// Thread: any.
#pragma once

#include <optional>
#include <string>

#include "lgen/time.h"

namespace lgen {

/// Since the groups were made, over this process' control group and those above it, v1 and v2 alike; nothing where no
/// group tells. `root`: where proc and sys lie.
std::optional<Duration> cpu_throttled(const std::string& root = "/");

}  // namespace lgen
