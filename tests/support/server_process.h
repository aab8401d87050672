// The real lgen-server as a child process: started on free ports, ended with its owner.
// Thread: the test's.
// Lifetime: the destructor kills what still runs.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

extern char** environ;  // NOLINT: POSIX's name

namespace lgen::test {

class ServerProcess {
 public:
  /// Returns once the server listens. LGEN_SERVER_PATH names the program.
  explicit ServerProcess(std::vector<std::string> flags = {}) {
    // A test that a sanitizer aborts runs no destructor; its server would keep CTest waiting for the end of the output.
    flags.insert(flags.begin(), {"/usr/bin/setpriv", "--pdeathsig", "KILL", LGEN_SERVER_PATH, "--bind", "127.0.0.1",
                                 "--grpc-port", "0", "--metrics-port", "0", "--http-port", "0"});
    start(flags);
    const std::string sign = "gRPC server started on port ";
    std::size_t at = std::string::npos;
    while ((at = log_.find(sign)) == std::string::npos || log_.find('\n', at) == std::string::npos) read_more();
    port_ = std::atoi(log_.c_str() + at + sign.size());
  }
  ~ServerProcess() {
    end(SIGKILL);
    ::close(output_);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  int port() const { return port_; }
  std::string target() const { return "127.0.0.1:" + std::to_string(port_); }
  void signal(int signum) const { ::kill(pid_, signum); }
  /// Sends the signal and waits for the end.
  void end(int signum) {
    if (pid_ < 0) return;
    ::kill(pid_, signum);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
  }
  /// Everything the server has written, once it contains `sign`.
  const std::string& log_with(const std::string& sign) {
    while (log_.find(sign) == std::string::npos) read_more();
    return log_;
  }

 private:
  void start(const std::vector<std::string>& words) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe for lgen-server");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const int error = posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    output_ = ends[0];
    if (error != 0) throw std::runtime_error("cannot start " + words[0]);
  }
  void read_more() {
    char buffer[4096];
    const ssize_t size = ::read(output_, buffer, sizeof buffer);
    if (size <= 0) throw std::runtime_error("lgen-server ended: " + log_);
    log_.append(buffer, static_cast<std::size_t>(size));
  }

  pid_t pid_ = -1;
  int output_ = -1;
  int port_ = 0;
  std::string log_;
};

}  // namespace lgen::test
