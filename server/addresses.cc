#include "addresses.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace lgen::server {
namespace {

bool is_ipv6(const std::string& host) { return host.find(':') != std::string::npos; }

std::string without_brackets(const std::string& host) {
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return bracketed ? host.substr(1, host.size() - 2) : host;
}

// The system's word for why nobody can listen at this address now; empty when it has no objection.
std::string objection(const addrinfo& address) {
  const int fd = socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::strerror(errno);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool free = bind(fd, address.ai_addr, address.ai_addrlen) == 0 && listen(fd, 1) == 0;
  const std::string why = free ? std::string() : std::strerror(errno);
  close(fd);
  return why;
}

using Resolved = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// Empty with the resolver's word in `why` when "host:port" means nothing.
Resolved resolve(const std::string& address, std::string& why) {
  const auto colon = address.rfind(':');
  const std::string host = without_brackets(address.substr(0, colon));
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &hints, &found);
  if (error != 0) why = gai_strerror(error);
  return {error == 0 ? found : nullptr, &freeaddrinfo};
}

std::string reason(const std::string& address) {
  std::string why;
  const Resolved resolved = resolve(address, why);
  if (resolved) why = objection(*resolved);
  return why.empty() ? "the address cannot be used" : why;
}

}  // namespace

std::string grpc_address(const Options& options, std::uint16_t port) {
  const std::string host = options.bind.empty() ? "::" : without_brackets(options.bind);
  return is_ipv6(host) ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string http_address(const Options& options, std::uint16_t port) {
  const std::string host = without_brackets(options.bind);
  const std::string ipv4 = !is_ipv6(host) && !host.empty() ? host : host == "::1" ? "127.0.0.1" : "0.0.0.0";
  return fmt::format("{}:{}", ipv4, port);
}

std::string cannot_listen(const std::string& what, const std::string& address, const std::string& flag) {
  return fmt::format("cannot listen for {} on {}: {}; choose another port with {} or another address with --bind", what,
                     address, reason(address), flag);
}

void knock(const std::string& address) {
  std::string ignored;
  const Resolved resolved = resolve(address, ignored);
  if (!resolved) return;
  const int fd = socket(resolved->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  // Whether anybody opens does not matter here.
  static_cast<void>(connect(fd, resolved->ai_addr, resolved->ai_addrlen));
  close(fd);
}

}  // namespace lgen::server
