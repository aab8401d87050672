#include "dns_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "error.h"
#include "service_names.h"
#include "tcp_port.h"

namespace lgen::cluster {

namespace {

UniqueFd bind_udp(std::uint16_t port) {
  UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  throw ClusterError(
      fmt::format("cannot take UDP port {} on 127.0.0.1: {}; give another --dns-port (0 takes a free one)", port,
                  std::strerror(errno)));
}

}  // namespace

DnsServer::DnsServer(uv_loop_t* loop, std::uint16_t port, Lookup lookup)
    : lookup_(std::move(lookup)),
      socket_(bind_udp(port)),
      watch_(loop, socket_.get(), UV_READABLE, [this] { answer_one(); }) {}

std::string DnsServer::address() const { return fmt::format("127.0.0.1:{}", port_of(socket_)); }

void DnsServer::answer_one() {
  char bytes[1024];
  sockaddr_in from{};
  socklen_t size = sizeof from;
  auto* sender = reinterpret_cast<sockaddr*>(&from);
  const ssize_t count = recvfrom(socket_.get(), bytes, sizeof bytes, 0, sender, &size);
  if (count <= 0) return;
  const std::string reply = kube::dns_reply({bytes, static_cast<std::size_t>(count)}, answered_++, lookup_);
  // Who has gone meanwhile will not ask again; who has not, will.
  if (!reply.empty() && sendto(socket_.get(), reply.data(), reply.size(), 0, sender, size) < 0) return;
}

}  // namespace lgen::cluster
