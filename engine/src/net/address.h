// Addresses of sockets: IPv4, IPv6 and local ones, from text and to text.
// Thread: values.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"

struct addrinfo;

namespace lgen {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  /// 0 for a local socket.
  int port() const;
};

/// "127.0.0.1:80", "[::1]:80", "unix:/path", "unix-abstract:name".
std::string to_string(const Address& address);

/// Of a local socket: "unix:/path"; "unix-abstract:name" of a path that begins with NUL.
std::string local_name(std::string_view path);

/// Everything getaddrinfo has found, in its order.
std::vector<Address> addresses_of(const addrinfo* list);

/// Nothing when `host` is a name.
std::optional<Address> numeric_address(const std::string& host, int port);
Result<Address> local_address(const std::string& path);

struct HostPort {
  std::string host;  // without brackets
  int port = 0;
};
/// "host:port" or "[ipv6]:port"; the host may be empty.
std::optional<HostPort> split_host_port(std::string_view text);

/// 0..65535 in digits.
std::optional<int> parse_port(std::string_view text);

/// What HttpServer::listen takes.
Result<Address> listen_address(const std::string& text);

}  // namespace lgen
