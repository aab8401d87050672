#include "haproxy_runtime.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "unix_socket.h"

namespace lgen::cluster {

HaproxyRuntime::HaproxyRuntime(uv_loop_t* loop, std::string socket_path, Events events)
    : loop_(loop), socket_path_(std::move(socket_path)), events_(std::move(events)) {}

void HaproxyRuntime::send(const std::string& command) {
  waiting_ += (waiting_.empty() ? "" : ";") + command;
  if (ready_ && !socket_) send_waiting();
}

void HaproxyRuntime::haproxy_is_ready() {
  ready_ = true;
  if (!waiting_.empty()) send_waiting();
}

// One connection for all that has gathered; HAProxy closes it when the last command is done.
void HaproxyRuntime::send_waiting() {
  socket_ = connect_unix(socket_path_);
  if (!socket_)
    return events_.on_problem(fmt::format("cannot reach HAProxy at {}: {}", socket_path_, std::strerror(errno)));
  const std::string line = std::exchange(waiting_, "") + "\n";
  if (::send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
    events_.on_problem(fmt::format("HAProxy does not take commands: {}", std::strerror(errno)));
  }
  watch_ = std::make_unique<FdWatch>(loop_, socket_.get(), UV_READABLE, [this] { read_answer(); });
}

void HaproxyRuntime::read_answer() {
  char bytes[4096];
  const ssize_t count = recv(socket_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) return;
  if (count > 0) {
    answer_.append(bytes, static_cast<std::size_t>(count));
    return;
  }
  watch_.reset();
  socket_.reset();
  const std::string answer = std::exchange(answer_, "");
  if (answer.find_first_not_of("\n ") != std::string::npos) events_.on_problem("HAProxy answers: " + answer);
  if (!waiting_.empty()) return send_waiting();
  events_.on_done();
}

}  // namespace lgen::cluster
