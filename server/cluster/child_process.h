// One started program: its output in a log file, its end reported once, its life bound to ours.
//
// *Thread:* the main thread only: the kernel kills a child when the *thread* that made it ends.
// *Lifetime:* destroying the object kills a child that still runs and waits for it.
#pragma once

#include <sys/types.h>
#include <uv.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "unique_fd.h"
#include "uv_handles.h"

namespace lgen::cluster {

struct ChildSpec {
  std::string program;  // a path
  std::vector<std::string> arguments;
  std::string log_path;                  // stdout and stderr, truncated at the start
  std::vector<int> inherited_fds;        // become descriptors 3, 4, ... of the child
  std::vector<std::string> environment;  // "NAME=value", in addition to ours or in its place
  int guard_fd = -1;                     // gets the child's id before the program starts, see process_guard.h
};

class ChildProcess {
 public:
  // `on_exit` gets waitpid's status. Throws ClusterError when the program cannot be started.
  ChildProcess(uv_loop_t* loop, const ChildSpec& spec, std::function<void(int status)> on_exit);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  bool running() const { return running_; }
  void send_signal(int number);  // nothing if it is gone

 private:
  void reap();

  pid_t pid_ = -1;
  bool running_ = false;
  UniqueFd pidfd_;
  std::unique_ptr<FdWatch> watch_;
  std::function<void(int)> on_exit_;
};

// "exited with code 3", "was killed by signal 9".
std::string describe_exit(int status);

// The last lines of a log, indented for a message; empty for a log without text.
std::string last_lines(const std::string& path, int count);
// "; the end of its log:" and these, or "; it logged nothing".
std::string end_of_log(const std::string& path);

}  // namespace lgen::cluster
