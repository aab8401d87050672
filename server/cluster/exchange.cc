#include "exchange.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace lgen::cluster {

Exchange::Exchange(uv_loop_t* loop, const Place& place, std::unique_ptr<Dialogue> dialogue,
                   std::chrono::milliseconds timeout, std::function<void(const Answer&)> done)
    : loop_(loop),
      place_(place),
      dialogue_(std::move(dialogue)),
      timeout_(timeout),
      done_(std::move(done)),
      timer_(loop) {
  timer_.start(std::chrono::milliseconds(0), [this] { connect(); });
}

void Exchange::connect() {
  timer_.start(timeout_, [this] { finish({false, fmt::format("no answer for {} ms", timeout_.count())}); });
  socket_.reset(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(place_.port);
  inet_pton(AF_INET, place_.ip.c_str(), &address.sin_addr);
  const int result = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (result != 0 && errno != EINPROGRESS) return finish({false, std::strerror(errno)});
  watch_ = std::make_unique<FdWatch>(loop_, socket_.get(), UV_WRITABLE, [this] { connected(); });
}

void Exchange::connected() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return finish({false, std::strerror(error)});
  unsent_ = dialogue_->open();
  if (const auto answer = dialogue_->answer()) return finish(*answer);
  watch_.reset();
  watch_ = std::make_unique<FdWatch>(loop_, socket_.get(), UV_READABLE, [this] { readable(); });
  send_rest();
}

void Exchange::readable() {
  char bytes[16384];
  const ssize_t count = recv(socket_.get(), bytes, sizeof bytes, 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count < 0) return finish({false, std::strerror(errno)});
  unsent_ += dialogue_->take({bytes, static_cast<std::size_t>(count)});
  if (const auto answer = dialogue_->answer()) return finish(*answer);
  if (count == 0) return finish({false, "the connection ended without an answer"});
  send_rest();
}

// Questions are a few hundred bytes: a socket that does not take them at once has a peer that never will.
void Exchange::send_rest() {
  if (unsent_.empty()) return;
  const ssize_t count = send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (count != static_cast<ssize_t>(unsent_.size())) return finish({false, "it does not take what is sent"});
  unsent_.clear();
}

void Exchange::finish(const Answer& answer) {
  watch_.reset();
  socket_.reset();
  timer_.stop();
  // `done` may destroy this object.
  const auto done = std::exchange(done_, nullptr);
  const Answer kept = answer;
  done(kept);
}

}  // namespace lgen::cluster
