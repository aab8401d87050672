#include "tcp_port.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "error.h"

namespace lgen::cluster {

namespace fs = std::filesystem;

namespace {

sockaddr_in socket_address(const std::string& ip, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
  return address;
}

// The listening socket, or none with errno set.
UniqueFd try_listen(const std::string& ip, std::uint16_t port) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = socket_address(ip, port);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      listen(fd.get(), SOMAXCONN) == 0) {
    return fd;
  }
  const int error = errno;
  fd.reset();
  errno = error;
  return fd;
}

// Inodes of the listening sockets with this port in one of /proc/net/tcp and tcp6. The columns are: slot, local
// address:port, remote, state (0A is LISTEN), two queues, timer, retransmits, uid, timeout, inode.
void add_listeners(const char* table, std::uint16_t port, std::set<std::string>& inodes) {
  std::ifstream in(table);
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
    words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >> inode;
    if (state == "0A" && local.ends_with(fmt::format(":{:04X}", port))) inodes.insert("socket:[" + inode + "]");
  }
}

bool has_descriptor(const fs::path& process, const std::set<std::string>& names) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(process / "fd", ignored)) {
    if (names.contains(fs::read_symlink(entry.path(), ignored).string())) return true;
  }
  return false;
}

}  // namespace

UniqueFd listen_on(const std::string& ip, std::uint16_t port, const char* flag) {
  UniqueFd fd = try_listen(ip, port);
  if (fd) return fd;
  const int error = errno;
  if (error == EADDRINUSE) {
    throw ClusterError(fmt::format("port {} on {} is in use by {}; stop it, or give another {} (0 takes a free one)",
                                   port, ip, owner_of_port(port), flag));
  }
  throw ClusterError(fmt::format("cannot listen on {}:{}: {}; give another {}", ip, port, std::strerror(error), flag));
}

std::uint16_t port_of(const UniqueFd& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

bool is_free(const std::string& ip, std::uint16_t port) { return static_cast<bool>(try_listen(ip, port)); }

std::string owner_of_port(std::uint16_t port) {
  std::set<std::string> sockets;
  add_listeners("/proc/net/tcp", port, sockets);
  add_listeners("/proc/net/tcp6", port, sockets);
  std::error_code ignored;
  for (const auto& process : fs::directory_iterator("/proc", ignored)) {
    const std::string pid = process.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos || !has_descriptor(process.path(), sockets)) continue;
    std::string name = "a process";
    std::getline(std::ifstream(process.path() / "comm"), name);
    return fmt::format("{} (pid {})", name, pid);
  }
  return "a process of another user";
}

}  // namespace lgen::cluster
