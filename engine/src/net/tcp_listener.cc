#include "tcp_listener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "lgen/log.h"

namespace lgen {
namespace {

constexpr int kBacklog = 256;
constexpr int kAtOnce = 16;  // connections taken in one turn
constexpr Duration kPause = std::chrono::milliseconds(100);

const char* path_of(const Address& address) { return reinterpret_cast<const sockaddr_un*>(&address.storage)->sun_path; }

/// A path left behind by a process that is gone is in nobody's use: nobody answers on it.
void remove_stale(const Address& address) {
  struct stat status {};
  if (::stat(path_of(address), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return;
  if (::connect(probe, address.get(), address.size) != 0 && errno == ECONNREFUSED) ::unlink(path_of(address));
  ::close(probe);
}

/// 0 or an errno.
int bind_and_listen(int fd, const Address& address) {
  const int on = 1;
  if (address.family() == AF_UNIX) {
    ::fchmod(fd, 0600);  // on Linux bind() gives the path the socket's own mode: never open to others, not for a moment
    remove_stale(address);
  } else {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  if (::bind(fd, address.get(), address.size) != 0) return errno;
  return ::listen(fd, kBacklog) == 0 ? 0 : errno;
}

Error cannot_listen(const Address& address, int error) {
  const std::string where = to_string(address);
  switch (error) {
    case EADDRINUSE:
      return make_error(
          ErrorCode::unavailable,
          fmt::format("cannot listen on {}: it is in use; stop who listens there (ss -ltnp shows it) or "
                      "take another{}",
                      where, address.family() == AF_UNIX ? " path" : " port, or port 0 for any free one"));
    case EACCES:
    case EPERM:
      return make_error(ErrorCode::unavailable,
                        fmt::format("cannot listen on {}: not permitted{}", where,
                                    address.port() != 0 && address.port() < 1024 ? "; take a port from 1024 on" : ""));
    case EADDRNOTAVAIL:
      return make_error(ErrorCode::unavailable,
                        fmt::format("cannot listen on {}: this machine has no such address; `ip addr` lists those it "
                                    "has, 0.0.0.0 is all of them",
                                    where));
    default:
      return make_error(ErrorCode::io, fmt::format("cannot listen on {}: {}", where, std::strerror(error)));
  }
}

}  // namespace

Result<std::unique_ptr<TcpListener>> TcpListener::open(Loop& loop, const std::string& text, Accepted accepted) {
  const Result<Address> wanted = listen_address(text);
  if (!wanted) return wanted.error();
  const int fd = ::socket(wanted->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return cannot_listen(*wanted, errno);
  if (const int error = bind_and_listen(fd, *wanted); error != 0) {
    ::close(fd);
    return cannot_listen(*wanted, error);
  }
  Address real = *wanted;
  if (real.family() != AF_UNIX) {
    real.size = sizeof real.storage;
    ::getsockname(fd, real.get(), &real.size);
  }
  return std::unique_ptr<TcpListener>(new TcpListener(loop, fd, real, std::move(accepted)));
}

TcpListener::TcpListener(Loop& loop, int fd, const Address& address, Accepted accepted)
    : loop_(loop), socket_(loop, fd), address_(address), accepted_(std::move(accepted)), pause_(loop, [this] {
        socket_.watch(this, Socket::kReadable);
      }) {
  socket_.watch(this, Socket::kReadable);
}

TcpListener::~TcpListener() {
  *gone_ = true;
  if (address_.family() == AF_UNIX) ::unlink(path_of(address_));
}

void TcpListener::on_ready(int) {
  const auto gone = gone_;
  for (int i = 0; i < kAtOnce && !*gone; ++i) {
    if (!accept_one()) break;
  }
}

bool TcpListener::accept_one() {
  Address peer;
  peer.size = sizeof peer.storage;
  const int fd = ::accept4(socket_.fd(), peer.get(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    const int on = 1;
    if (address_.family() != AF_UNIX) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    accepted_(Socket(loop_, fd), to_string(peer));
    return true;
  }
  if (errno == ECONNABORTED || errno == EINTR) return true;
  if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
  log(LogLevel::warn,
      fmt::format("{} takes no connections for a moment: {}", to_string(address_), std::strerror(errno)));
  socket_.watch(this, 0);
  pause_.arm(loop_.now() + kPause);
  return false;
}

}  // namespace lgen
