#include "early_signals.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <initializer_list>

namespace lgen::cli {
namespace {

// Signal handlers have nothing but globals.
volatile std::sig_atomic_t g_signal = 0;
int g_wake = -1;

void note(int signal) {
  if (g_signal != 0) _exit(128 + signal);
  g_signal = signal;
  const int error = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t told = write(g_wake, &one, sizeof one);
  errno = error;
}

}  // namespace

void catch_early_signals() {
  g_wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

int early_signal_fd() { return g_wake; }

int early_signal() { return g_signal; }

}  // namespace lgen::cli
