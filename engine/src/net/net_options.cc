#include "lgen/net_options.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "address.h"

namespace lgen {
namespace {

/// At each colon outside of brackets.
std::vector<std::string> split_colons(std::string_view text) {
  std::vector<std::string> parts(1);
  bool inside = false;
  for (const char c : text) {
    if (c == '[' || c == ']') {
      inside = c == '[';
    } else if (c == ':' && !inside) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::vector<std::string> split_commas(std::string_view text) {
  std::vector<std::string> parts(1);
  for (const char c : text) c == ',' ? parts.emplace_back() : (parts.back() += c, parts.back());
  return parts;
}

/// 0 where there is none; nothing: it is no port.
std::optional<int> port_or_any(const std::string& text) {
  if (text.empty()) return 0;
  const auto port = parse_port(text);
  return port && *port > 0 ? port : std::nullopt;
}

Error wrong(std::string_view text, std::string_view what) {
  return make_error(ErrorCode::invalid_argument, fmt::format("'{}': {}", text, what));
}

Outcome check_own(const std::string& text, const Address& address) {
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int error = fd < 0 ? errno : ::bind(fd, address.get(), address.size) == 0 ? 0 : errno;
  if (fd >= 0) ::close(fd);
  if (error == 0) return Done{};
  return wrong(text, fmt::format("no connection can come from there ({}); `ip address` lists what this machine has",
                                 std::strerror(error)));
}

/// The addresses of an interface: IPv4 and IPv6, the ones of the link alone left out.
std::vector<std::string> addresses_of_interface(const std::string& name) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
  std::vector<std::string> found;
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || name != at->ifa_name) continue;
    const bool v4 = at->ifa_addr->sa_family == AF_INET;
    if (!v4 && at->ifa_addr->sa_family != AF_INET6) continue;
    Address address;
    address.size = v4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    std::memcpy(&address.storage, at->ifa_addr, address.size);
    if (!v4 && IN6_IS_ADDR_LINKLOCAL(&reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_addr)) continue;
    const auto host = split_host_port(to_string(address));
    if (host) found.push_back(host->host);
  }
  return found;
}

}  // namespace

Outcome add_connect_to(NetOptions& options, std::string_view text) {
  const std::vector<std::string> parts = split_colons(text);
  if (parts.size() != 4) return wrong(text, "not of the form HOST1:PORT1:HOST2:PORT2 (each part may be empty)");
  const auto port = port_or_any(parts[1]), to_port = port_or_any(parts[3]);
  if (!port || !to_port) return wrong(text, "a port is a number from 1 to 65535, or left out");
  options.connect_to.push_back({parts[0], *port, parts[2], *to_port});
  return Done{};
}

Outcome add_resolve(NetOptions& options, std::string_view text) {
  const std::size_t host_end = text.starts_with('[') ? text.find(']') + 1 : text.find(':');
  const std::size_t port_end = host_end == std::string_view::npos ? host_end : text.find(':', host_end + 1);
  if (port_end == std::string_view::npos || host_end == 0) {
    return wrong(text, "not of the form HOST:PORT:ADDRESS[,ADDRESS]");
  }
  const auto port = parse_port(text.substr(host_end + 1, port_end - host_end - 1));
  if (!port || *port == 0) return wrong(text, "its port is no number from 1 to 65535");
  std::string_view host = text.substr(0, host_end);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  NetOptions::Pinned pinned{std::string(host), *port, {}};
  for (std::string address : split_commas(text.substr(port_end + 1))) {
    if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
    if (!numeric_address(address, 0)) return wrong(text, fmt::format("'{}' is no numeric address", address));
    pinned.addresses.push_back(std::move(address));
  }
  options.resolve.push_back(std::move(pinned));
  return Done{};
}

Outcome add_sources(NetOptions& options, std::string_view text) {
  for (const std::string& one : split_commas(text)) {
    if (const auto address = numeric_address(one, 0)) {
      if (const Outcome own = check_own(one, *address); !own) return own;
      options.sources.push_back(one);
      continue;
    }
    const std::vector<std::string> found = addresses_of_interface(one);
    if (found.empty()) return wrong(one, "neither an address nor an interface of this machine that has one");
    options.sources.insert(options.sources.end(), found.begin(), found.end());
  }
  return Done{};
}

}  // namespace lgen
