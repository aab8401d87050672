// One lgen-server: its process, its readiness, its log.
//
// *Thread:* the loop's. *Lifetime:* destruction kills the process.
#pragma once

#include <uv.h>

#include <functional>
#include <string>

#include "child_process.h"
#include "layout.h"
#include "readiness.h"

namespace lgen::cluster {

class Pod {
 public:
  // Both run on the loop: `on_ready` at most once, `on_exit` (with waitpid's status) exactly once.
  struct Events {
    std::function<void()> on_ready;
    std::function<void(int status)> on_exit;
  };

  // Starts the process; throws ClusterError if that fails.
  Pod(uv_loop_t* loop, PodSpec spec, const ChildSpec& child, Events events);

  const PodSpec& spec() const { return spec_; }
  pid_t pid() const { return process_.pid(); }
  bool running() const { return process_.running(); }
  bool ready() const { return ready_; }
  const std::string& log_path() const { return log_path_; }
  const std::string& last_probe() const { return probe_.last_answer(); }
  void send_signal(int number) { process_.send_signal(number); }

 private:
  PodSpec spec_;
  std::string log_path_;
  Events events_;
  bool ready_ = false;
  ChildProcess process_;
  ReadinessProbe probe_;
};

}  // namespace lgen::cluster
