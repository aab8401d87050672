#include "stop_signals.h"

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace lgen::server {
namespace {

sigset_t stop_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

StopSignals::StopSignals() {
  const sigset_t set = stop_set();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // A reader of our log that goes away must not take the server with it.
  signal(SIGPIPE, SIG_IGN);
}

void StopSignals::wait() {
  const sigset_t set = stop_set();
  while (sigwaitinfo(&set, nullptr) < 0 && errno == EINTR) {
  }
}

bool StopSignals::wait_for(std::chrono::nanoseconds time) {
  using Clock = std::chrono::steady_clock;
  const sigset_t set = stop_set();
  const auto end = Clock::now() + time;
  while (true) {
    const auto left = std::max(end - Clock::now(), Clock::duration(0));
    const timespec limit{.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
    if (sigtimedwait(&set, nullptr, &limit) > 0) return true;
    if (errno != EINTR) return false;
  }
}

void StopSignals::stop_catching() {
  const sigset_t set = stop_set();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace lgen::server
