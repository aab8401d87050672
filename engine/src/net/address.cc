#include "address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>

namespace lgen {
namespace {

constexpr std::string_view kLocal = "unix:";
constexpr std::string_view kAbstract = "unix-abstract:";

std::string ipv6_text(const sockaddr_in6& address) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
  char name[IF_NAMESIZE];
  const bool scoped = address.sin6_scope_id != 0 && if_indextoname(address.sin6_scope_id, name) != nullptr;
  return fmt::format("[{}{}{}]:{}", text, scoped ? "%" : "", scoped ? name : "", ntohs(address.sin6_port));
}

std::string local_text(const Address& address) {
  const auto* local = reinterpret_cast<const sockaddr_un*>(&address.storage);
  const std::size_t size = address.size - std::min<std::size_t>(address.size, offsetof(sockaddr_un, sun_path));
  if (size > 1 && local->sun_path[0] == '\0') return local_name({local->sun_path, size});
  return local_name({local->sun_path, ::strnlen(local->sun_path, size)});
}

}  // namespace

std::string local_name(std::string_view path) {
  const bool abstract = path.starts_with('\0');
  return std::string(abstract ? kAbstract : kLocal) + std::string(path.substr(abstract ? 1 : 0));
}

int Address::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
  return 0;
}

std::string to_string(const Address& address) {
  if (address.family() == AF_UNIX) return local_text(address);
  if (address.family() == AF_INET6) return ipv6_text(*reinterpret_cast<const sockaddr_in6*>(&address.storage));
  const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
  char text[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &ipv4->sin_addr, text, sizeof text);
  return fmt::format("{}:{}", text, ntohs(ipv4->sin_port));
}

std::vector<Address> addresses_of(const addrinfo* list) {
  std::vector<Address> addresses;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    Address& address = addresses.emplace_back();
    address.size = one->ai_addrlen;
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
  }
  return addresses;
}

std::optional<Address> numeric_address(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return std::nullopt;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  return addresses_of(found).front();
}

Result<Address> local_address(const std::string& path) {
  Address address;
  auto* local = reinterpret_cast<sockaddr_un*>(&address.storage);
  if (path.empty() || path.size() >= sizeof local->sun_path) {
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("the path of a local socket has 1 to {} bytes, '{}' has {}",
                                  sizeof local->sun_path - 1, local_name(path), path.size()));
  }
  local->sun_family = AF_UNIX;
  std::memcpy(local->sun_path, path.c_str(), path.size() + 1);
  const std::size_t end = path[0] == '\0' ? 0 : 1;  // a NUL ends a path, and would be part of an abstract name
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + end);
  return address;
}

std::optional<int> parse_port(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port < 0 || port > 65'535) return std::nullopt;
  return port;
}

std::optional<HostPort> split_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::optional<int> port = parse_port(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  if (!port) return std::nullopt;
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!bracketed && host.find_first_of("[]:") != std::string_view::npos) return std::nullopt;
  return HostPort{std::string(host), *port};
}

Result<Address> listen_address(const std::string& text) {
  if (text.starts_with(kLocal)) return local_address(text.substr(kLocal.size()));
  if (text.find('/') != std::string::npos) return local_address(text);
  const std::optional<HostPort> place = split_host_port(parse_port(text) ? ":" + text : text);
  std::optional<Address> address;
  if (place) {
    std::string host = place->host.empty() || place->host == "localhost" ? "127.0.0.1" : place->host;
    if (host == "*") host = "0.0.0.0";
    address = numeric_address(host, place->port);
  }
  if (address) return *address;
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("'{}' is no address to listen on; write :5665 (this machine only), 0.0.0.0:5665, "
                                "[::1]:5665 or unix:/path",
                                text));
}

}  // namespace lgen
