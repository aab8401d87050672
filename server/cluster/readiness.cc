#include "readiness.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace lgen::cluster {

namespace {

constexpr std::chrono::milliseconds kPeriod{50};
constexpr std::chrono::milliseconds kPatience{2000};
constexpr std::size_t kLongestStatusLine = 200;

}  // namespace

bool says_ready(const std::string& status_line) {
  return status_line.starts_with("HTTP/1.") && (status_line + " ").find(" 200 ") == 8;
}

ReadinessProbe::ReadinessProbe(uv_loop_t* loop, std::string ip, std::uint16_t port, std::function<void()> on_ready)
    : loop_(loop), ip_(std::move(ip)), port_(port), on_ready_(std::move(on_ready)), timer_(loop) {
  timer_.start(std::chrono::milliseconds(0), [this] { attempt(); });
}

void ReadinessProbe::attempt() {
  timer_.start(kPatience, [this] { finish(fmt::format("no answer for {} ms", kPatience.count())); });
  reply_.clear();
  socket_.reset(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  inet_pton(AF_INET, ip_.c_str(), &address.sin_addr);
  const int result = connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (result != 0 && errno != EINPROGRESS) return finish(std::strerror(errno));
  watch_ = std::make_unique<FdWatch>(loop_, socket_.get(), UV_WRITABLE, [this] { send_request(); });
}

void ReadinessProbe::send_request() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return finish(std::strerror(error));
  const std::string request = fmt::format("GET /readyz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", ip_);
  if (send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return finish(std::strerror(errno));
  watch_.reset();
  watch_ = std::make_unique<FdWatch>(loop_, socket_.get(), UV_READABLE, [this] { read_reply(); });
}

void ReadinessProbe::read_reply() {
  char bytes[512];
  const ssize_t count = recv(socket_.get(), bytes, sizeof bytes, 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count < 0) return finish(std::strerror(errno));
  reply_.append(bytes, static_cast<std::size_t>(count));
  const std::size_t line_end = reply_.find("\r\n");
  if (line_end != std::string::npos) return finish(reply_.substr(0, line_end));
  if (count == 0 || reply_.size() > kLongestStatusLine) finish("no HTTP answer");
}

void ReadinessProbe::finish(std::string answer) {
  watch_.reset();
  socket_.reset();
  last_answer_ = std::move(answer);
  if (!says_ready(last_answer_)) return timer_.start(kPeriod, [this] { attempt(); });
  timer_.stop();
  const auto ready = std::exchange(on_ready_, nullptr);
  ready();
}

}  // namespace lgen::cluster
