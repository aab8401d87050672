// The HAProxy process: found, configured, started on a socket it inherits, watched.
//
// *Thread:* the loop's. *Lifetime:* destruction kills the process.
#pragma once

#include <uv.h>

#include <functional>
#include <string>
#include <vector>

#include "child_process.h"
#include "uv_handles.h"

namespace lgen::cluster {

struct HaproxySpec {
  std::string program;
  std::string config;             // text
  std::string run_dir;            // gets haproxy.cfg, haproxy.log, haproxy.sock
  std::vector<int> listener_fds;  // become its descriptors 3, 4, ...
};

class Haproxy {
 public:
  struct Events {
    std::function<void()> on_ready;           // it accepts connections
    std::function<void(int status)> on_exit;  // once
  };

  Haproxy(uv_loop_t* loop, const HaproxySpec& spec, Events events);

  pid_t pid() const { return process_.pid(); }
  bool running() const { return process_.running(); }
  void send_signal(int number) { process_.send_signal(number); }

 private:
  void poll_socket();

  std::string socket_path_;
  Events events_;
  Timer timer_;
  ChildProcess process_;
};

// `name` as a path: itself if it has a slash, else from the colon-separated directories, then from where Debian keeps
// it, which is not on every user's PATH. Throws ClusterError saying how to install it.
std::string find_haproxy(const std::string& name, const std::string& path);

}  // namespace lgen::cluster
