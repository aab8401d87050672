#include "tcp_connect.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "address.h"
#include "resolver.h"

namespace lgen {
namespace {

class Connecting final : public Operation, private SocketOwner, private TcpStream::Events {
 public:
  Connecting(std::shared_ptr<NetContext> context, ConnectTo to, ConnectDone done)
      : context_(std::move(context)),
        to_(std::move(to)),
        done_(std::move(done)),
        timer_(context_->loop(), [this] { on_timer(); }) {}

  void start();
  void cancel() noexcept override {
    finish_later(make_error(ErrorCode::cancelled, "connecting to " + place() + " was cancelled"));
  }
  void drop() noexcept override {
    dropped_ = true;
    if (!finishing_) delete this;
  }

 private:
  Loop& loop() const { return context_->loop(); }
  std::string place() const;
  void redirect();
  bool take_pinned();
  int bind_source(int fd, int family) const;
  void resolved(Result<std::vector<Address>> addresses);
  void try_next();
  int dial(const Address& address);
  void on_ready(int events) override;
  void attempt_failed(int error);
  Error no_connection() const;
  Error too_late() const;
  void connected();
  void on_open() override;
  void on_data(std::string_view) override {}
  void on_end() override {}
  void on_error(const Error& error) override { finish(error); }
  void on_timer();
  void finish_later(Error error);
  void finish(Result<Connected> result);

  std::shared_ptr<NetContext> context_;
  ConnectTo to_;
  ConnectDone done_;
  Timer timer_;
  Op resolving_;
  std::vector<Address> addresses_;
  std::size_t next_ = 0;  // address to try next
  std::string failures_;  // of the addresses tried, for the message
  int last_error_ = 0;    // errno of the last one
  Socket socket_;
  std::unique_ptr<TcpStream> stream_;
  ConnectTiming timing_;
  std::optional<Error> early_;  // set: completes at the timer
  bool finished_ = false;
  bool finishing_ = false;
  bool dropped_ = false;
};

std::string Connecting::place() const {
  if (!to_.local_path.empty()) return local_name(to_.local_path);
  return to_.host.find(':') == std::string::npos ? fmt::format("{}:{}", to_.host, to_.port)
                                                 : fmt::format("[{}]:{}", to_.host, to_.port);
}

void Connecting::start() {
  timing_.started = loop().precise_now();
  if (to_.deadline != kNever) timer_.arm(to_.deadline);
  redirect();
  if (take_pinned()) return timer_.arm(loop().now());
  if (to_.local_path.empty()) {
    resolving_ = resolve(loop(), to_.host, to_.port, [this](auto addresses) { resolved(std::move(addresses)); });
    return;
  }
  const Result<Address> address = local_address(to_.local_path);
  if (!address) return finish_later(address.error());
  addresses_.push_back(*address);
  timer_.arm(loop().now());  // the first attempt, too, is made later: it may complete at once
}

bool same_host(const std::string& a, const std::string& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

/// --connect-to: the first that fits.
void Connecting::redirect() {
  if (!to_.net || !to_.local_path.empty()) return;
  for (const NetOptions::Redirect& one : to_.net->connect_to) {
    const bool fits = (one.host.empty() || same_host(one.host, to_.host)) && (one.port == 0 || one.port == to_.port);
    if (!fits) continue;
    if (!one.to_host.empty()) to_.host = one.to_host;
    if (one.to_port != 0) to_.port = one.to_port;
    return;
  }
}

/// --resolve: the addresses are given, nobody is asked.
bool Connecting::take_pinned() {
  if (!to_.net || !to_.local_path.empty()) return false;
  for (const NetOptions::Pinned& one : to_.net->resolve) {
    if (one.port != to_.port || (one.host != "*" && !same_host(one.host, to_.host))) continue;
    for (const std::string& address : one.addresses) addresses_.push_back(*numeric_address(address, to_.port));
    timing_.resolved = timing_.started;
    return true;
  }
  return false;
}

/// --interface: the next source of the address's kind; 0 or an errno. The system chooses the port when it connects, so
/// that as many are there for each peer as without.
int Connecting::bind_source(int fd, int family) const {
  if (!to_.net || to_.net->sources.empty() || family == AF_UNIX) return 0;
  const NetOptions& net = *to_.net;
  for (std::size_t tries = 0; tries < net.sources.size(); ++tries) {
    const auto source = numeric_address(net.sources[net.next_source++ % net.sources.size()], 0);
    if (!source || source->family() != family) continue;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return ::bind(fd, source->get(), source->size) == 0 ? 0 : errno;
  }
  return EAFNOSUPPORT;
}

void Connecting::resolved(Result<std::vector<Address>> addresses) {
  if (early_) return;
  if (!addresses) return finish(addresses.error());
  timing_.resolved = loop().precise_now();
  addresses_ = std::move(*addresses);
  try_next();
}

void Connecting::try_next() {
  while (next_ < addresses_.size()) {
    const Address& address = addresses_[next_++];
    const int error = dial(address);
    if (error == 0) return connected();
    if (error == EINPROGRESS) {
      const auto left = static_cast<std::ptrdiff_t>(addresses_.size() - next_ + 1);
      if (to_.deadline != kNever) timer_.arm(loop().now() + (to_.deadline - loop().now()) / left);
      return socket_.watch(this, Socket::kWritable);
    }
    attempt_failed(error);
  }
  finish(no_connection());
}

/// 0, EINPROGRESS or why not.
int Connecting::dial(const Address& address) {
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const int on = 1;
  if (address.family() != AF_UNIX) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  socket_ = Socket(loop(), fd);
  if (const int error = bind_source(fd, address.family()); error != 0) return error;
  return ::connect(fd, address.get(), address.size) == 0 ? 0 : errno;
}

void Connecting::on_ready(int) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket_.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0) return connected();
  attempt_failed(error);
  try_next();
}

void Connecting::attempt_failed(int error) {
  last_error_ = error;
  socket_.close();
  failures_ += fmt::format("{}{}: {}", failures_.empty() ? "" : "; ", to_string(addresses_[next_ - 1]),
                           error == ETIMEDOUT ? "no answer" : std::strerror(error));
}

Error Connecting::no_connection() const {
  switch (last_error_) {
    case ECONNREFUSED:
    case ENOENT:
      return make_error(
          ErrorCode::refused,
          fmt::format("nobody listens there ({}); is the server running, and is the address right?", failures_));
    case ETIMEDOUT:
      return too_late();
    case EMFILE:
    case ENFILE:
      return make_error(ErrorCode::exhausted,
                        fmt::format("no descriptor is left for a connection ({}); raise `ulimit -n`", failures_));
    case EADDRNOTAVAIL:
    case EAGAIN:
      return make_error(ErrorCode::exhausted,
                        fmt::format("no local port is left, or the listener's queue is full ({}); use fewer "
                                    "connections, or keep them",
                                    failures_));
    default:
      return make_error(ErrorCode::unavailable, fmt::format("no connection to {} ({})", place(), failures_));
  }
}

Error Connecting::too_late() const {
  const char* where = stream_              ? "it does not answer the TLS handshake"
                      : addresses_.empty() ? "its name is still being looked up"
                                           : "nothing answers there";
  return make_error(ErrorCode::timeout,
                    fmt::format("no connection to {} in time ({}{}{}); check the address and what filters packets "
                                "between, or allow more time",
                                place(), where, failures_.empty() ? "" : "; ", failures_));
}

void Connecting::connected() {
  timing_.connected = loop().precise_now();
  if (to_.deadline != kNever) timer_.arm(to_.deadline);
  const std::string peer = to_string(addresses_[next_ - 1]);
  std::unique_ptr<TlsSession> tls;
  if (to_.tls) tls = std::make_unique<TlsSession>(to_.tls, to_.tls_host, peer);
  stream_ = std::make_unique<TcpStream>(context_, std::move(socket_), peer, std::move(tls));
  if (to_.tls) return stream_->set_events(*this);
  finish(Connected{std::move(stream_), timing_});
}

void Connecting::on_open() {
  timing_.secured = loop().precise_now();
  timing_.resumed = stream_->resumed();
  finish(Connected{std::move(stream_), timing_});
}

void Connecting::on_timer() {
  if (early_) return finish(*early_);
  if (!addresses_.empty() && next_ == 0) {
    if (to_.deadline != kNever) timer_.arm(to_.deadline);
    return try_next();
  }
  if (socket_ && next_ < addresses_.size() && loop().now() < to_.deadline) {
    attempt_failed(ETIMEDOUT);
    return try_next();
  }
  finish(too_late());
}

void Connecting::finish_later(Error error) {
  if (finished_ || early_) return;
  early_ = std::move(error);
  resolving_.reset();
  socket_.close();
  stream_.reset();
  timer_.arm(loop().now());
}

void Connecting::finish(Result<Connected> result) {
  finished_ = true;
  finishing_ = true;
  timer_.disarm();
  resolving_.reset();
  socket_.close();
  stream_.reset();
  std::exchange(done_, nullptr)(std::move(result));
  finishing_ = false;
  if (dropped_) delete this;
}

}  // namespace

Op tcp_connect(std::shared_ptr<NetContext> context, ConnectTo to, ConnectDone done) {
  auto* operation = new Connecting(std::move(context), std::move(to), std::move(done));
  operation->start();
  return Op(operation);
}

}  // namespace lgen
