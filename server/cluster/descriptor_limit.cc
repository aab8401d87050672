#include "descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace lgen::cluster {

namespace {

constexpr int kReserve = 500;  // listeners, checks, the runtime socket, HAProxy's own
constexpr int kEnough = 130000;

}  // namespace

int raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, kEnough));
}

int connections_for(int descriptors) { return std::max(100, (descriptors - kReserve) / 2); }

}  // namespace lgen::cluster
