#include "tcp_stream.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace lgen {
namespace {

constexpr std::size_t kKeepCapacity = 256 << 10;  // a buffer that was once larger is given back when empty

}  // namespace

TcpStream::TcpStream(std::shared_ptr<NetContext> context, Socket socket, std::string peer,
                     std::unique_ptr<TlsSession> tls)
    : context_(std::move(context)), socket_(std::move(socket)), peer_(std::move(peer)), tls_(std::move(tls)) {
  if (!tls_) return;
  if (context_->begin_tls()) tls_->keep_buffers();
  tls_->start(out_);
  want_flush();
}

TcpStream::~TcpStream() {
  *gone_ = true;
  if (tls_) context_->end_tls();
  if (flushing_) context_->forget(*this);
}

void TcpStream::set_events(Events& events) {
  events_ = &events;
  update_watch();
}

void TcpStream::write(std::string_view bytes) {
  (tls_ ? plain_ : out_).append(bytes);
  want_flush();
}

void TcpStream::finish() {
  finishing_ = true;
  want_flush();
}

void TcpStream::set_reading(bool on) {
  reading_ = on;
  update_watch();
}

void TcpStream::tell_drained() {
  tell_drained_ = true;
  update_watch();
}

void TcpStream::want_flush() {
  if (flushing_ || blocked_) return;
  flushing_ = true;
  context_->flush_later(*this);
}

void TcpStream::ask_flush() {
  asked_ = true;
  want_flush();
}

void TcpStream::flush() {
  do {
    if (!blocked_ && std::exchange(asked_, false)) events_->on_flush();
    send_some();
  } while (asked_ && !blocked_ && !error_);
  if (std::exchange(flushing_, false)) context_->forget(*this);
  update_watch();
}

void TcpStream::send_some() {
  if (error_) return;
  if (tls_ && tls_->open() && !plain_.empty()) {
    if (tls_->write(plain_, out_)) plain_.clear();
  }
  blocked_ = false;
  while (sent_of_out_ < out_.size()) {
    const ssize_t count = ::send(socket_.fd(), out_.data() + sent_of_out_, out_.size() - sent_of_out_, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      blocked_ = true;
      if (errno != EAGAIN && errno != EWOULDBLOCK) error_ = broken(errno);
      return;
    }
    sent_of_out_ += static_cast<std::size_t>(count);
    sent_ += static_cast<std::uint64_t>(count);
  }
  sent_of_out_ = 0;
  if (out_.capacity() > kKeepCapacity) {
    out_ = std::string();
  } else {
    out_.clear();
  }
  if (std::exchange(finishing_, false)) ::shutdown(socket_.fd(), SHUT_WR);
}

/// While a write is blocked or has failed we wait to be writable: a failed descriptor is at once.
void TcpStream::update_watch() {
  if (events_ == nullptr) return;
  const int readable = reading_ && !ended_ ? Socket::kReadable : 0;
  socket_.watch(this, readable | (blocked_ || tell_drained_ ? Socket::kWritable : 0));
}

void TcpStream::on_ready(int events) {
  const auto gone = gone_;
  const auto context = context_;  // the read buffer stays whatever an event destroys
  if ((events & Socket::kReadable) != 0 && reading_ && !ended_) read_some();
  if (*gone) return;
  if ((events & Socket::kWritable) != 0 && (blocked_ || tell_drained_)) write_on();
  if (!*gone) update_watch();
}

void TcpStream::write_on() {
  send_some();
  if (error_) return report(*error_);
  if (blocked_) return;
  tell_drained_ = false;
  events_->on_drained();
}

void TcpStream::read_some() {
  std::vector<char>& buffer = context_->read_buffer();
  const ssize_t count = ::recv(socket_.fd(), buffer.data(), buffer.size(), 0);
  if (count > 0) {
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
    return tls_ ? decrypt(bytes) : events_->on_data(bytes);
  }
  if (count == 0) return ended();
  if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) report(broken(errno));
}

/// Subtleness ahead: every event may destroy the stream, so its `gone_` is asked through a copy.
void TcpStream::decrypt(std::string_view bytes) {
  const auto gone = gone_;
  const auto context = context_;
  const bool was_open = tls_->open();
  const Outcome fed = tls_->feed(bytes, out_);
  if (!out_.empty() || !plain_.empty()) want_flush();
  if (!fed) return report(fed.error());
  if (!was_open && tls_->open()) events_->on_open();
  std::optional<Error> problem;
  while (!*gone && !ended_ && !problem && tls_->open()) {
    std::vector<char>& plain = context->plain_buffer();
    const std::size_t count = read_plain(plain, problem);
    if (count == 0) break;
    events_->on_data({plain.data(), count});
  }
  if (*gone) return;
  if (!out_.empty() || !plain_.empty()) want_flush();  // reading makes OpenSSL write, too: a peer negotiates anew
  if (problem) return report(*problem);
  if (tls_->ended()) ended();
}

/// Servers put every answer into a record of its own; the listener hears of as many as fit at once.
std::size_t TcpStream::read_plain(std::vector<char>& to, std::optional<Error>& problem) {
  std::size_t filled = 0;
  while (filled < to.size()) {
    const Result<std::size_t> count = tls_->read(to.data() + filled, to.size() - filled, out_);
    if (!count) problem = count.error();
    if (!count || *count == 0) break;
    filled += *count;
  }
  return filled;
}

void TcpStream::ended() {
  if (std::exchange(ended_, true)) return;
  if (tls_ && !tls_->open()) return report(tls_->cut_off());
  events_->on_end();
}

void TcpStream::report(const Error& error) {
  ended_ = true;
  blocked_ = tell_drained_ = false;
  const Error copy = error;
  events_->on_error(copy);
}

Error TcpStream::broken(int error) const {
  if (error == ECONNRESET || error == EPIPE) {
    return make_error(ErrorCode::closed, fmt::format("{} reset the connection", peer_));
  }
  return make_error(ErrorCode::io, fmt::format("the connection to {} broke: {}", peer_, std::strerror(error)));
}

}  // namespace lgen
