// A client of our own server that is no HTTP client: a bare socket that says what it likes and reads when it likes.
// Thread: the loop's; it is read between turns of the loop.
#pragma once

#include <fcntl.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <utility>

#include "lgen/http_server.h"
#include "net_fixture.h"

namespace lgen::test {

class RawClient {
 public:
  explicit RawClient(const HttpServer& server, int receive_buffer = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(server.port()));
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("no server");
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void send(const std::string& bytes) { ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  void half_close() { ::shutdown(fd_, SHUT_WR); }
  /// Takes what is there.
  void read() {
    char bytes[65536];
    for (ssize_t count; (count = ::recv(fd_, bytes, sizeof bytes, 0)) >= 0;) {
      if (count == 0) {
        ended = true;
        return;
      }
      text.append(bytes, static_cast<std::size_t>(count));
    }
    if (errno == ECONNRESET) ended = true;
  }
  bool has(const std::string& part) {
    read();
    return text.find(part) != std::string::npos;
  }
  bool closed() {
    read();
    return ended;
  }

  std::string text;
  bool ended = false;

 private:
  int fd_;
};

/// The loop does not wake for what the test's own socket gets, so it is kept turning.
inline void until(NetFixture& net, const std::function<bool()>& done) {
  Timer tick(net.loop, [] {});
  net.until([&] {
    if (!tick.armed()) tick.arm(net.loop.now() + std::chrono::milliseconds(1));
    return done();
  });
}

}  // namespace lgen::test
