// Asks a pod's /readyz over and over until it answers 200, as a kubelet does.
//
// *Thread:* the loop's. *Lifetime:* destruction stops the probing.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "unique_fd.h"
#include "uv_handles.h"

namespace lgen::cluster {

class ReadinessProbe {
 public:
  // Probes at once, then every 50 ms; `on_ready` runs once, never inside the constructor.
  ReadinessProbe(uv_loop_t* loop, std::string ip, std::uint16_t port, std::function<void()> on_ready);

  // What the last probe met: "connection refused", "HTTP/1.1 503 ...".
  const std::string& last_answer() const { return last_answer_; }

 private:
  void attempt();
  void send_request();
  void read_reply();
  void finish(std::string answer);

  uv_loop_t* loop_;
  std::string ip_;
  std::uint16_t port_;
  std::function<void()> on_ready_;
  std::string last_answer_ = "not asked yet";
  std::string reply_;
  UniqueFd socket_;
  std::unique_ptr<FdWatch> watch_;
  Timer timer_;
};

// Whether an HTTP/1 status line says 200.
bool says_ready(const std::string& status_line);

}  // namespace lgen::cluster
