// Commands for HAProxy's runtime socket, in their order, without waiting for the answers.
//
// *Thread:* the loop's. *Lifetime:* destruction forgets what has not been sent.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <string>

#include "unique_fd.h"
#include "uv_handles.h"

namespace lgen::cluster {

class HaproxyRuntime {
 public:
  struct Events {
    std::function<void()> on_done;                       // nothing waits any more
    std::function<void(const std::string&)> on_problem;  // what HAProxy answers: to what it has carried out, nothing
  };

  HaproxyRuntime(uv_loop_t* loop, std::string socket_path, Events events);

  // Commands that come before HAProxy accepts them wait.
  void send(const std::string& command);
  void haproxy_is_ready();
  bool done() const { return waiting_.empty() && !socket_; }

 private:
  void send_waiting();
  void read_answer();

  uv_loop_t* loop_;
  std::string socket_path_;
  Events events_;
  bool ready_ = false;
  std::string waiting_, answer_;
  UniqueFd socket_;
  std::unique_ptr<FdWatch> watch_;
};

}  // namespace lgen::cluster
