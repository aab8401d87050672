// The second opinion on a failed TLS handshake: dial once more with plain OpenSSL, look at what the peer shows, say
// what does not fit and which flag would help.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>

#include "lgen/tls.h"
#include "tls_problem.h"

namespace lgen {
namespace {

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using Connection = std::unique_ptr<SSL, decltype(&SSL_free)>;
using SteadyTime = std::chrono::steady_clock::time_point;

struct Address {
  std::string host;
  std::string port;
};

Address split(const std::string& host_port) {
  const std::size_t colon = host_port.rfind(':');
  if (colon == std::string::npos || host_port.ends_with(']')) return {host_port, "443"};
  Address address{host_port.substr(0, colon), host_port.substr(colon + 1)};
  std::erase_if(address.host, [](char c) { return c == '[' || c == ']'; });
  return address;
}

/// A descriptor that closes itself; -1: none.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

bool wait_for(int fd, short events, SteadyTime deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  pollfd entry{fd, events, 0};
  return left > 0 && ::poll(&entry, 1, static_cast<int>(left)) == 1;
}

int dial(const Address& address, SteadyTime deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found) != 0) return -1;
  int fd = -1;
  for (const addrinfo* one = found; one != nullptr && fd < 0; one = one->ai_next) {
    fd = ::socket(one->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;
    int error = ::connect(fd, one->ai_addr, one->ai_addrlen) == 0 ? 0 : errno;
    socklen_t size = sizeof error;
    if (error == EINPROGRESS && wait_for(fd, POLLOUT, deadline)) getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      ::close(fd);
      fd = -1;
    }
  }
  freeaddrinfo(found);
  return fd;
}

std::string alpn_problem(SSL* ssl) {
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &size);
  return size == 0 ? kGrpcTlsWords.no_protocol : "";
}

Context make_context(const TlsOptions& options) {
  Context context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);  // the result is looked at afterwards
  if (options.ca.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else {
    SSL_CTX_load_verify_locations(context.get(), options.ca.c_str(), nullptr);
  }
  if (!options.cert.empty()) {
    SSL_CTX_use_certificate_chain_file(context.get(), options.cert.c_str());
    SSL_CTX_use_PrivateKey_file(context.get(), options.key.c_str(), SSL_FILETYPE_PEM);
  }
  static constexpr unsigned char kAlpn[] = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context.get(), kAlpn, sizeof kAlpn);
  return context;
}

/// Runs `step` (an SSL call) until it is through; SSL_ERROR_NONE: it succeeded.
template <class Step>
int drive(SSL* ssl, int fd, SteadyTime deadline, Step step) {
  for (;;) {
    const int result = step();
    const int error = result > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return error;
    if (!wait_for(fd, error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline)) return error;
  }
}

/// TLS 1.3 servers refuse a client certificate only after the client's part is through: their alert is the first thing
/// to be read. A server that sends its SETTINGS is content.
std::string first_read_problem(SSL* ssl, int fd, const TlsOptions& options, SteadyTime deadline) {
  char byte = 0;
  const int error = drive(ssl, fd, deadline, [&] { return SSL_read(ssl, &byte, 1); });
  return error == SSL_ERROR_SSL ? handshake_problem(error, options, kGrpcTlsWords) : std::string();
}

std::string find_problem(SSL* ssl, int fd, const TlsOptions& options, const std::string& host, SteadyTime deadline) {
  const int error = drive(ssl, fd, deadline, [&] { return SSL_connect(ssl); });
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return "it does not answer the TLS handshake";
  if (error != SSL_ERROR_NONE) return handshake_problem(error, options, kGrpcTlsWords);
  std::string problem = certificate_problem(ssl, options, host);
  if (problem.empty()) problem = alpn_problem(ssl);
  return problem.empty() ? first_read_problem(ssl, fd, options, deadline) : problem;
}

}  // namespace

std::string explain_tls_failure(const std::string& host_port, const TlsOptions& options, int timeout_ms) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  const Address address = split(host_port);
  const Socket socket(dial(address, deadline));
  if (socket.fd() < 0) return {};
  const Context context = make_context(options);
  const Connection ssl(SSL_new(context.get()), SSL_free);
  const std::string& name = options.server_name.empty() ? address.host : options.server_name;
  SSL_set_tlsext_host_name(ssl.get(), name.c_str());
  SSL_set_fd(ssl.get(), socket.fd());
  ERR_clear_error();
  const std::string problem = find_problem(ssl.get(), socket.fd(), options, address.host, deadline);
  ERR_clear_error();
  return problem.empty() ? problem : "TLS with " + host_port + " failed: " + problem;
}

}  // namespace lgen
