#include "lgen/process.h"

#include <absl/synchronization/mutex.h>
#include <sys/resource.h>

#include <algorithm>

namespace lgen {

void prepare_process() { absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore); }

DescriptorLimit raise_descriptor_limit() {
  constexpr rlim_t kPlenty = 1 << 20;  // root may go to the kernel's own limit
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t before = limit.rlim_cur;
  for (const rlim_t wanted : {std::max(limit.rlim_max, kPlenty), limit.rlim_max}) {
    const rlimit raised{wanted, std::max(limit.rlim_max, wanted)};
    if (wanted > before && setrlimit(RLIMIT_NOFILE, &raised) == 0) break;
  }
  getrlimit(RLIMIT_NOFILE, &limit);
  return {before, limit.rlim_cur};
}

ProcessUsage process_usage() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return {seconds(usage.ru_utime) + seconds(usage.ru_stime), static_cast<std::uint64_t>(usage.ru_maxrss) * 1024};
}

}  // namespace lgen
