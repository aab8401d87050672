// A TCP listener that is no gRPC server: never accepting, with no room for another connection, or answering with fixed
// bytes.
// Thread: answers from a thread of its own.
// Lifetime: the destructor ends it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <thread>

namespace lgen::test {

class RawListener {
 public:
  enum class Manner { silent, full, answering };

  /// silent: connections are made but nobody accepts; full: the system drops what comes, a black hole; answering: every
  /// connection gets `answer` and is closed.
  explicit RawListener(Manner manner, std::string answer = {})
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), answer_(std::move(answer)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(fd_, manner == Manner::full ? 0 : 64) != 0 ||
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no listener");
    }
    port_ = ntohs(address.sin_port);
    for (int& filler : fillers_) {
      filler = -1;
      if (manner != Manner::full) continue;
      filler = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      ::connect(filler, reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
    if (manner == Manner::full) wait_until_full();
    if (manner == Manner::answering) thread_ = std::thread([this] { serve(); });
  }
  ~RawListener() {
    ::shutdown(fd_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    ::close(fd_);
    for (const int filler : fillers_) {
      if (filler >= 0) ::close(filler);
    }
  }
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;

  int port() const { return port_; }
  std::string target() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  /// Connections of the fillers arrive on the kernel's time; until one is in the queue, another would still get in.
  void wait_until_full() const {
    tcp_info info{};
    do {
      std::this_thread::yield();
      socklen_t size = sizeof info;
      if (::getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) throw std::runtime_error("no TCP_INFO");
    } while (info.tcpi_unacked <= info.tcpi_sacked);  // of a listener: connections in its queue, and its limit
  }
  void serve() {
    for (int peer; (peer = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0; ::close(peer)) {
      char request[1024];
      if (::recv(peer, request, sizeof request, 0) <= 0) continue;
      ::send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL);
    }
  }

  int fd_;
  int port_ = 0;
  int fillers_[4];
  std::string answer_;
  std::thread thread_;
};

}  // namespace lgen::test
