// One question and its answer over a TCP connection of its own: a probe, or a scrape.
//
// *Thread:* the loop's. *Lifetime:* destruction gives the question up; nothing is reported then.
#pragma once

#include <uv.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "unique_fd.h"
#include "uv_handles.h"

namespace lgen::cluster {

// How a question ended: "HTTP 200", "connection refused", "no answer for 1 s".
struct Answer {
  bool ok = false;
  std::string text;
};

// What is said on the connection.
class Dialogue {
 public:
  virtual ~Dialogue() = default;
  // What is sent first.
  virtual std::string open() = 0;
  // Takes what has come, nothing at the end of the connection; what is sent in return.
  virtual std::string take(std::string_view bytes) = 0;
  // Once it is known.
  virtual std::optional<Answer> answer() const = 0;
};

struct Place {
  std::string ip;
  std::uint16_t port = 0;
};

class Exchange {
 public:
  // `done` runs once, never inside the constructor.
  Exchange(uv_loop_t* loop, const Place& place, std::unique_ptr<Dialogue> dialogue, std::chrono::milliseconds timeout,
           std::function<void(const Answer&)> done);

 private:
  void connect();
  void connected();
  void readable();
  void send_rest();
  void finish(const Answer& answer);

  uv_loop_t* loop_;
  Place place_;
  std::unique_ptr<Dialogue> dialogue_;
  std::chrono::milliseconds timeout_;
  std::function<void(const Answer&)> done_;
  std::string unsent_;
  UniqueFd socket_;
  std::unique_ptr<FdWatch> watch_;
  Timer timer_;
};

}  // namespace lgen::cluster
