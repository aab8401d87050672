#include "lgen/process.h"

#include <absl/synchronization/mutex.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace lgen {

/// A descriptor opened in place of a closed one would get what is meant for the terminal. Opened for the wrong
/// direction it fails as a closed one does.
static void fill_standard_descriptors() {
  while (true) {
    const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    close(fd);
    if (fd > STDERR_FILENO) return;
    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

void prepare_process() {
  fill_standard_descriptors();
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

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
