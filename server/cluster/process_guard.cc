#include "process_guard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <set>

#include "error.h"

namespace lgen::cluster {

namespace {

// Keeps no descriptor but the pipe: it must not hold ports, locks or other people's pipes open.
[[noreturn]] void stand_guard(int pipe) {
  setsid();
  prctl(PR_SET_NAME, "lgen-guard");
  dup2(pipe, STDIN_FILENO);
  close_range(STDIN_FILENO + 1, ~0U, 0);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) std::signal(number, SIG_IGN);
  std::set<pid_t> groups;
  pid_t message = 0;
  while (true) {
    const ssize_t count = read(STDIN_FILENO, &message, sizeof message);
    if (count < 0 && errno == EINTR) continue;
    if (count != sizeof message) break;
    message > 0 ? void(groups.insert(message)) : void(groups.erase(-message));
  }
  for (const pid_t group : groups) kill(-group, SIGKILL);
  _exit(0);
}

}  // namespace

ProcessGuard::ProcessGuard() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw ClusterError(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  const UniqueFd read_end(ends[0]);
  pipe_.reset(ends[1]);
  pid_ = fork();
  if (pid_ < 0) throw ClusterError(fmt::format("cannot start a process: {}", std::strerror(errno)));
  if (pid_ == 0) stand_guard(read_end.get());
}

ProcessGuard::~ProcessGuard() {
  pipe_.reset();
  waitpid(pid_, nullptr, 0);
}

void ProcessGuard::remove(pid_t group) {
  const pid_t message = -group;
  // A guard that somebody has killed guards nothing; that is no reason to stop.
  if (write(pipe_.get(), &message, sizeof message) < 0) return;
}

}  // namespace lgen::cluster
