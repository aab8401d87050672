// A TCP listener that follows a script.
// Thread: the script runs on a thread of its own.
// Lifetime: the destructor waits for the script to end; what it reads on must have been closed.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

namespace lgen::test {

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
  std::string target() const { return "127.0.0.1:" + std::to_string(port_); }
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
