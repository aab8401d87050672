#include "gateway_backends.h"

#include <CivetServer.h>
#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/create_channel.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "hello.grpc.pb.h"

namespace lgen::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLongestReply = 1 << 20;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// False: the time is up.
bool wait_for(int fd, short events, Clock::time_point end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
  pollfd one{fd, events, 0};
  int ready = -1;
  do ready = left > 0 ? poll(&one, 1, static_cast<int>(left)) : 0;
  while (ready < 0 && errno == EINTR);
  return ready > 0;
}

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }
[[noreturn]] void fail_late() { fail(fmt::format("no answer within {} s", kBackendPatience.count())); }

Socket connect_to(const addrinfo& address, Clock::time_point end) {
  Socket socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.fd() < 0) fail(std::strerror(errno));
  if (connect(socket.fd(), address.ai_addr, address.ai_addrlen) != 0 && errno != EINPROGRESS)
    fail(std::strerror(errno));
  if (!wait_for(socket.fd(), POLLOUT, end)) fail_late();
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) fail(std::strerror(error));
  return socket;
}

Socket connect_to(const HttpUrl& url, Clock::time_point end) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found);
  if (error != 0) fail(gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
  for (const addrinfo* one = found;; one = one->ai_next) {
    try {
      return connect_to(*one, end);
    } catch (const std::runtime_error&) {
      if (one->ai_next == nullptr) throw;
    }
  }
}

void send_all(int fd, std::string_view text, Clock::time_point end) {
  while (!text.empty()) {
    const auto sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent > 0)
      text.remove_prefix(static_cast<std::size_t>(sent));
    else if (errno != EAGAIN && errno != EINTR)
      fail(std::strerror(errno));
    else if (!wait_for(fd, POLLOUT, end))
      fail_late();
  }
}

// All there is until the peer hangs up.
std::string receive_all(int fd, Clock::time_point end) {
  std::string all;
  std::array<char, 4096> piece{};
  while (all.size() < kLongestReply) {
    const auto got = recv(fd, piece.data(), piece.size(), 0);
    if (got == 0) return all;
    if (got > 0)
      all.append(piece.data(), static_cast<std::size_t>(got));
    else if (errno != EAGAIN && errno != EINTR)
      fail(std::strerror(errno));
    else if (!wait_for(fd, POLLIN, end))
      fail_late();
  }
  fail("the answer is too long");
}

// The body of an HTTP/1.0 reply with status 200.
std::string body_of(const std::string& reply) {
  const auto space = reply.find(' ');
  const auto head_end = reply.find("\r\n\r\n");
  if (!reply.starts_with("HTTP/1.") || space == std::string::npos || head_end == std::string::npos) {
    fail("what came is no answer of HTTP");
  }
  int status = 0;
  std::from_chars(reply.data() + space + 1, reply.data() + head_end, status);
  if (status != 200) fail(fmt::format("status {}", status));
  return reply.substr(head_end + 4);
}

std::string get(const HttpUrl& url, const std::string& name) {
  const auto end = Clock::now() + kBackendPatience;
  std::string encoded;
  CivetServer::urlEncode(name, encoded, false);
  const Socket socket = connect_to(url, end);
  // HTTP/1.0: the end of the connection is the end of the body, and nothing comes in chunks.
  send_all(socket.fd(),
           fmt::format("GET {}?name={} HTTP/1.0\r\nHost: {}:{}\r\n\r\n", url.path, encoded, url.host, url.port), end);
  return body_of(receive_all(socket.fd(), end));
}

}  // namespace

HttpUrl parse_http_url(const std::string& text) {
  constexpr std::string_view kScheme = "http://";
  const std::string rest = text.starts_with(kScheme) ? text.substr(kScheme.size()) : std::string();
  const auto slash = rest.find('/');
  const std::string authority = rest.substr(0, slash);
  const auto colon = authority.rfind(':');
  HttpUrl url{authority.substr(0, colon), colon == std::string::npos ? "80" : authority.substr(colon + 1),
              slash == std::string::npos ? "/" : rest.substr(slash)};
  unsigned port = 0;
  const auto [last, error] = std::from_chars(url.port.data(), url.port.data() + url.port.size(), port);
  const bool port_is_good = error == std::errc() && last == url.port.data() + url.port.size() && port - 1 < 65535;
  if (url.host.empty() || url.host.find_first_of("[]:@") != std::string::npos || !port_is_good ||
      text.find_first_of("?# \r\n") != std::string::npos) {
    throw std::invalid_argument(fmt::format("'{}' is no URL like http://http-svc:8100/hellohttp", text));
  }
  return url;
}

std::shared_ptr<grpc::Channel> dial_backend(const std::string& target) {
  grpc::ChannelArguments arguments;
  arguments.SetLoadBalancingPolicyName("round_robin");
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

BackendAnswer ask_grpc(const std::shared_ptr<grpc::Channel>& channel, const std::string& name) {
  BackendAnswer answer;
  hello::Greeting greeting;
  greeting.set_name(name);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kBackendPatience);
  const grpc::Status status = hello::Hello::NewStub(channel)->SayHello(&context, greeting, &answer.introduction);
  answer.ok = status.ok();
  if (!answer.ok) answer.error = fmt::format("gRPC status {}: {}", status.error_code(), status.error_message());
  return answer;
}

BackendAnswer ask_http(const HttpUrl& url, const std::string& name) {
  BackendAnswer answer;
  try {
    google::protobuf::util::JsonParseOptions options;
    options.ignore_unknown_fields = true;
    const auto parsed = google::protobuf::util::JsonStringToMessage(get(url, name), &answer.introduction, options);
    if (!parsed.ok()) fail("what came is not JSON of {name, version, hostname}");
    answer.ok = true;
  } catch (const std::runtime_error& error) {
    answer.error = fmt::format("http://{}:{}{}: {}", url.host, url.port, url.path, error.what());
  }
  return answer;
}

}  // namespace lgen::server
