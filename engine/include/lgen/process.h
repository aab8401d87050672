// What a program that uses the engine does once, first thing in main(), and what it may ask about itself.
// Thread: the main thread.
#pragma once

#include <cstdint>

#include "lgen/error.h"
#include "lgen/time.h"

namespace lgen {

/// First line of main(): turns off the deadlock detector that Debian's abseil is built with (up to 5 % of the CPU per
/// call), and sees to it that no socket takes the place of a standard stream that is closed.
void prepare_process();

struct DescriptorLimit {
  std::uint64_t before = 0, now = 0;
};
/// Raises RLIMIT_NOFILE as far as we may.
DescriptorLimit raise_descriptor_limit();

struct ProcessUsage {
  double cpu_seconds = 0;     // user + system
  std::uint64_t max_rss = 0;  // B
};
ProcessUsage process_usage();

}  // namespace lgen
