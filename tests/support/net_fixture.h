// What every test of connections needs: a loop in either of its modes, patience, requests as values, and listeners that
// follow a script.
// Thread: the test's; a ScriptedListener answers from a thread of its own.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "lgen/http.h"
#include "loop_fixture.h"

namespace lgen::test {

/// An HttpResult that outlives its callback.
struct Reply {
  int status = 0;
  std::string body;
  std::string reason;
  HttpHeaders headers;
  ErrorCode code = ErrorCode::internal;
  std::string error;  // empty: none
  bool reused = false;
  bool retried = false;
  Timing timing;
  ConnectTiming connect;
  std::string peer;

  std::string header(const std::string& name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
};

inline Reply copy_of(const HttpResult& result) {
  Reply reply{.status = result.status,
              .body = std::string(result.body),
              .reason = std::string(result.reason),
              .headers = {result.headers->begin(), result.headers->end()},
              .reused = result.reused,
              .retried = result.retried,
              .timing = result.timing,
              .connect = result.connect,
              .peer = std::string(result.peer)};
  if (result.error) {
    reply.code = result.error->code;
    reply.error = result.error->message;
  }
  return reply;
}

class NetFixture : public LoopFixture {
 public:
  /// `inverted`: the loop blocks in gRPC's completion queue.
  explicit NetFixture(bool inverted = false) : LoopFixture(inverted) {}

  /// Some turns of the loop, for what must not happen.
  void turns(int count = 20) {
    for (; count > 0; --count) {
      bool turned = false;
      loop.post([&] { turned = true; });
      loop.run_until([&] { return turned; });
    }
  }

  Reply ask(HttpClient& client, const HttpRequest& request) {
    std::optional<Reply> reply;
    const Op op = client.send(request, [&](const HttpResult& result) {
      CHECK_FALSE(reply);  // exactly once
      reply = copy_of(result);
    });
    CHECK_FALSE(reply);  // never inside the starting call
    until([&] { return reply.has_value(); });
    return *reply;
  }
  Reply get(HttpClient& client, const std::string& url) { return ask(client, {.url = url}); }
};

/// Every connection, one after another, is given to a script that reads and writes as it likes, then closed.
class ScriptedListener {
 public:
  using Script = std::function<void(int fd)>;

  explicit ScriptedListener(Script script)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), script_(std::move(script)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd_, 64) != 0 ||
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no listener");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedListener() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  ScriptedListener(const ScriptedListener&) = delete;
  ScriptedListener& operator=(const ScriptedListener&) = delete;

  int port() const { return port_; }
  std::string url(const std::string& path = "/") const { return "http://127.0.0.1:" + std::to_string(port_) + path; }

  /// What has come up to and with `end`; what came before, when the other side closes first.
  static std::string read_until(int fd, const std::string& end) {
    std::string text;
    char c = 0;
    while (!text.ends_with(end) && ::recv(fd, &c, 1, 0) == 1) text += c;
    return text;
  }
  static void write(int fd, const std::string& text) { ::send(fd, text.data(), text.size(), MSG_NOSIGNAL); }
  /// Waits until the other side has closed.
  static void wait_closed(int fd) {
    char bytes[4096];
    while (::recv(fd, bytes, sizeof bytes, 0) > 0) {
    }
  }
  /// Closing with unread bytes or this option sends a reset.
  static void reset(int fd) {
    const linger now{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }

 private:
  void serve() {
    for (int peer; (peer = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0; ::close(peer)) script_(peer);
  }

  int fd_;
  int port_ = 0;
  Script script_;
  std::thread thread_;
};

}  // namespace lgen::test
