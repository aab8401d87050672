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
#include <string_view>

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

// Whether a listener at `local`, 8 or 32 hexadecimal digits, has `ip` as well: it is that address, perhaps written as
// an IPv6 one, or all of them.
bool covers(std::string_view local, std::string_view ip) {
  constexpr std::string_view kMapped = "0000000000000000FFFF0000";  // ::ffff:0:0/96
  if (local.find_first_not_of('0') == std::string_view::npos) return true;
  if (local.starts_with(kMapped)) local.remove_prefix(kMapped.size());
  return local == ip;
}

// Inodes of the sockets that listen at this address and port, in one of /proc/net/tcp and tcp6. The columns are: slot,
// local address:port, remote, state (0A is LISTEN), two queues, timer, retransmits, uid, timeout, inode.
void add_listeners(const char* table, const std::string& ip, std::uint16_t port, std::set<std::string>& inodes) {
  const std::string ip_digits = fmt::format("{:08X}", socket_address(ip, port).sin_addr.s_addr);
  const std::string port_digits = fmt::format(":{:04X}", port);
  std::ifstream in(table);
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
    words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >> inode;
    if (state != "0A" || !local.ends_with(port_digits)) continue;
    if (covers(std::string_view(local).substr(0, local.size() - port_digits.size()), ip_digits)) {
      inodes.insert("socket:[" + inode + "]");
    }
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
                                   port, ip, owner_of_port(ip, port), flag));
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

std::string owner_of_port(const std::string& ip, std::uint16_t port) {
  std::set<std::string> sockets;
  add_listeners("/proc/net/tcp", ip, port, sockets);
  add_listeners("/proc/net/tcp6", ip, port, sockets);
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
