// Why fork and not uv_spawn: between fork and exec the child has to ask for a SIGKILL at its parent's death and then
// see that the parent still lives, and uv_spawn has no place for that. Only async-signal-safe calls are made there,
// because other threads of ours may hold any lock at the fork.
#include "child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <fstream>
#include <string_view>

#include "error.h"
#include "pidfd.h"

namespace lgen::cluster {

namespace {

constexpr int kHighFd = 100;  // above every number that is about to be overwritten

struct Launch {
  const char* program;
  std::vector<char*> argv;
  std::vector<char*> envp;
  int null_fd;
  int log_fd;
  std::vector<int> inherited;
  int error_fd;
  pid_t parent;
  int guard_fd;
};

[[noreturn]] void give_up(int error_fd) {
  const int error = errno;
  if (write(error_fd, &error, sizeof error) < 0) _exit(126);
  _exit(127);
}

// Descriptors 0, 1, 2 and 3... of the child; all others close at exec, those that we were started with, too.
void arrange_descriptors(Launch& launch) {
  close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  for (int& fd : launch.inherited) fd = fcntl(fd, F_DUPFD_CLOEXEC, kHighFd);
  launch.error_fd = fcntl(launch.error_fd, F_DUPFD_CLOEXEC, kHighFd);
  const int log_fd = fcntl(launch.log_fd, F_DUPFD_CLOEXEC, kHighFd);
  dup2(launch.null_fd, STDIN_FILENO);
  dup2(log_fd, STDOUT_FILENO);
  dup2(log_fd, STDERR_FILENO);
  int target = STDERR_FILENO + 1;
  for (const int fd : launch.inherited) dup2(fd, target++);
}

[[noreturn]] void run_child(Launch& launch) {
  // A group of its own: Ctrl-C at the terminal is for lgen-cluster, which then stops its children in order.
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != launch.parent) _exit(127);
  // Without a guard, too: that somebody has killed it is no reason to start nothing.
  const pid_t self = getpid();
  if (launch.guard_fd >= 0 && write(launch.guard_fd, &self, sizeof self) < 0) errno = 0;
  arrange_descriptors(launch);
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(launch.program, launch.argv.data(), launch.envp.data());
  give_up(launch.error_fd);
}

std::vector<char*> argument_pointers(const ChildSpec& spec) {
  std::vector<char*> argv = {const_cast<char*>(spec.program.c_str())};
  for (const std::string& argument : spec.arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  return argv;
}

// The child's own variables, and those of ours that have other names.
std::vector<char*> environment_pointers(const ChildSpec& spec) {
  std::vector<char*> envp;
  for (const std::string& variable : spec.environment) envp.push_back(const_cast<char*>(variable.c_str()));
  for (char** ours = environ; *ours != nullptr; ++ours) {
    const std::string_view name = std::string_view(*ours).substr(0, std::string_view(*ours).find('=') + 1);
    const auto same = [name](const std::string& variable) { return !name.empty() && variable.starts_with(name); };
    if (std::none_of(spec.environment.begin(), spec.environment.end(), same)) envp.push_back(*ours);
  }
  envp.push_back(nullptr);
  return envp;
}

UniqueFd open_log(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644));
  if (!fd) throw ClusterError(fmt::format("cannot write the log {}: {}; see --log-dir", path, std::strerror(errno)));
  return fd;
}

// Forks; returns once the child has executed its program or has said why not.
pid_t launch_child(const ChildSpec& spec) {
  const UniqueFd log = open_log(spec.log_path);
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw ClusterError(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  UniqueFd read_end(ends[0]), write_end(ends[1]);
  Launch launch{spec.program.c_str(),
                argument_pointers(spec),
                environment_pointers(spec),
                null.get(),
                log.get(),
                spec.inherited_fds,
                write_end.get(),
                getpid(),
                spec.guard_fd};
  const pid_t pid = fork();
  if (pid < 0) throw ClusterError(fmt::format("cannot start {}: {}", spec.program, std::strerror(errno)));
  if (pid == 0) run_child(launch);
  write_end.reset();
  int error = 0;
  if (read(read_end.get(), &error, sizeof error) == sizeof error) {
    waitpid(pid, nullptr, 0);
    throw ClusterError(fmt::format("cannot start {}: {}", spec.program, std::strerror(error)));
  }
  return pid;
}

}  // namespace

ChildProcess::ChildProcess(uv_loop_t* loop, const ChildSpec& spec, std::function<void(int)> on_exit)
    : pid_(launch_child(spec)), running_(true), pidfd_(open_pidfd(pid_)), on_exit_(std::move(on_exit)) {
  if (!pidfd_) {
    const int error = errno;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    throw ClusterError(
        fmt::format("cannot watch {}: {}; Linux 5.3 or newer is needed", spec.program, std::strerror(error)));
  }
  watch_ = std::make_unique<FdWatch>(loop, pidfd_.get(), UV_READABLE, [this] { reap(); });
}

ChildProcess::~ChildProcess() {
  if (!running_) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void ChildProcess::send_signal(int number) {
  if (running_) kill(pid_, number);
}

void ChildProcess::reap() {
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return;
  running_ = false;
  watch_.reset();
  on_exit_(status);
}

std::string describe_exit(int status) {
  if (WIFSIGNALED(status)) return fmt::format("was killed by signal {}", WTERMSIG(status));
  return fmt::format("exited with code {}", WEXITSTATUS(status));
}

std::string last_lines(const std::string& path, int count) {
  std::ifstream in(path);
  std::deque<std::string> lines;
  std::string line;
  while (std::getline(in, line)) {
    lines.push_back(line);
    if (lines.size() > static_cast<std::size_t>(count)) lines.pop_front();
  }
  std::string text;
  for (const std::string& kept : lines) text += "\n  " + kept;
  return text;
}

std::string end_of_log(const std::string& path) {
  constexpr int kShown = 10;
  const std::string lines = last_lines(path, kShown);
  return lines.empty() ? "; it logged nothing" : "; the end of its log:" + lines;
}

}  // namespace lgen::cluster
