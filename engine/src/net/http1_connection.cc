// How it works. Phases: `requests` (reading one, answering it, the next), `streaming` (an answer stays open; what else
// the client sends is ignored, and the connection ends with the answer), `lingering` (our side is closed, the client's
// last bytes are thrown away: closing with unread bytes would reset the connection and might destroy the answer),
// `over`. One timer serves all: the time for a whole request, the time between requests, and the time in which a client
// that has to read must have read something.
#include "http1_connection.h"

#include <fmt/format.h>

#include <utility>

#include "http_server_impl.h"
#include "percent.h"

namespace lgen {
namespace {

constexpr Duration kLinger = std::chrono::seconds(2);
constexpr std::size_t kUnsent = 1 << 20;  // bytes of answers a client may leave unread before it has to

/// The path of an absolute request target, as proxies send it, too.
std::string_view path_and_query(std::string_view target) {
  if (!target.starts_with("http://") && !target.starts_with("https://")) return target;
  const std::size_t slash = target.find('/', target.find("://") + 3);
  return slash == std::string_view::npos ? "/" : target.substr(slash);
}

}  // namespace

Http1Connection::Http1Connection(HttpServer::Impl& server, std::shared_ptr<NetContext> context, Socket socket,
                                 std::string peer)
    : server_(server),
      stream_(std::make_unique<TcpStream>(std::move(context), std::move(socket), std::move(peer))),
      parser_(Http1Parser::Kind::request, {server.options.max_head, server.options.max_body}),
      timer_(server.loop, [this] { on_timer(); }) {
  stream_->set_events(*this);
  arm(server_.options.request_timeout);
}

Http1Connection::~Http1Connection() { finish(false); }

template <class Body>
void Http1Connection::event(Body body) {
  const auto server = server_.shared_from_this();
  busy_ = true;
  body();
  busy_ = false;
  if (phase_ == Phase::over) server->erase(*this);
}

void Http1Connection::arm(Duration duration) {
  seen_sent_ = stream_->sent();
  timer_.arm(server_.loop.now() + duration);
}

void Http1Connection::turn_away() {
  refuse(503, fmt::format("{} connections are open here, and no more are allowed\n", server_.options.max_connections));
}

void Http1Connection::wind_up() {
  close_after_ = true;
  if (phase_ == Phase::requests && !in_request_ && !busy_) linger();
}

void Http1Connection::abandon() {
  if (stream_) stream_->flush();
  finish(false);
}

void Http1Connection::on_data(std::string_view bytes) {
  if (phase_ != Phase::requests) return;
  event([&] { take_requests(bytes); });
}

void Http1Connection::take_requests(std::string_view bytes) {
  while (!bytes.empty() && phase_ == Phase::requests) {
    if (stream_->buffered() > kUnsent) {
      waiting_.assign(bytes);
      stream_->set_reading(false);
      return stream_->tell_drained();
    }
    if (!std::exchange(in_request_, true)) arm(server_.options.request_timeout);
    bytes.remove_prefix(parser_.feed(bytes));
    if (parser_.fault() != Http1Parser::Fault::none) return refuse();
    if (parser_.complete()) {
      dispatch();
    } else if (parser_.head_complete()) {
      tell_to_continue();
    }
  }
}

/// curl asks before it sends a large body.
void Http1Connection::tell_to_continue() {
  if (std::exchange(told_to_continue_, true)) return;
  if (find_header(parser_.headers(), "expect") != "100-continue") return;
  stream_->write("HTTP/1.1 100 Continue\r\n\r\n");
}

AnswerManner Http1Connection::manner() const {
  return {parser_.http_1_0(), parser_.keep_alive() && !close_after_, parser_.method() == "HEAD",
          accepts_gzip(parser_.headers())};
}

void Http1Connection::dispatch() {
  const std::string_view target = path_and_query(parser_.target());
  const std::size_t mark = target.find('?');
  const auto path = percent_decode(target.substr(0, mark));
  if (!path) return refuse(400, "a % in the path is not followed by two hex digits\n");
  const std::string_view query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  answered_ = false;
  server_.answer({parser_.method(), *path, query.substr(0, query.find('#')), &parser_.headers(), parser_.body(),
                  stream_ ? std::string_view(stream_->peer()) : std::string_view()},
                 *this);
  if (phase_ != Phase::requests) return;
  if (!answered_) send({.status = 500, .body = "the handler of this page has not answered\n"});
  const bool last = !parser_.keep_alive() || close_after_;
  parser_.next();
  in_request_ = told_to_continue_ = false;
  if (last) return linger();
  arm(server_.options.idle_timeout);
}

void Http1Connection::send(const HttpAnswer& answer) {
  if (phase_ != Phase::requests || std::exchange(answered_, true)) return;
  stream_->write(write_answer(answer, manner(), server_.options.gzip_from));
}

std::unique_ptr<HttpStream> Http1Connection::stream(const HttpAnswer& head) {
  auto impl = std::make_unique<HttpStream::Impl>();
  if (phase_ == Phase::requests && !std::exchange(answered_, true)) {
    close_after_ = true;
    chunked_ = !parser_.http_1_0();
    stream_->write(write_stream_head(head, manner()));
    if (parser_.method() != "HEAD") {
      if (!head.body.empty()) stream_->write(write_chunk(head.body, !chunked_));
      phase_ = Phase::streaming;
      impl->connection = this;
      open_ = impl.get();
      arm(server_.options.idle_timeout);
    }
  }
  return std::make_unique<HttpStream>(std::move(impl));
}

HttpStream::Sent Http1Connection::write_piece(std::string_view bytes) {
  const std::size_t buffered = stream_->buffered();
  if (buffered > 0 && buffered + bytes.size() > server_.options.stream_buffer) {
    ++open_->dropped;
    return HttpStream::Sent::dropped;
  }
  if (!bytes.empty()) stream_->write(write_chunk(bytes, !chunked_));  // an empty chunk would end the answer
  return HttpStream::Sent::accepted;
}

void Http1Connection::end_stream() {
  open_ = nullptr;
  if (chunked_) stream_->write(write_chunk({}, false));
  linger();
}

void Http1Connection::refuse() {
  using Fault = Http1Parser::Fault;
  const int status = parser_.fault() == Fault::head_too_large   ? 431
                     : parser_.fault() == Fault::body_too_large ? 413
                                                                : 400;
  refuse(status, parser_.fault_text() + "\n");
}

void Http1Connection::refuse(int status, const std::string& what) {
  stream_->write(write_answer({.status = status, .body = what}, {.keep_alive = false}, what.size() + 1));
  linger();
}

void Http1Connection::linger() {
  phase_ = Phase::lingering;
  waiting_.clear();
  stream_->set_reading(true);
  stream_->finish();
  arm(kLinger);
}

void Http1Connection::on_drained() {
  if (phase_ == Phase::lingering && peer_ended_) return event([&] { finish(true); });
  if (phase_ != Phase::requests || waiting_.empty()) return;
  event([&] {
    stream_->set_reading(true);
    const std::string bytes = std::exchange(waiting_, {});
    take_requests(bytes);
  });
}

/// A client that has closed its side may still want its answer, so what is buffered goes out first.
void Http1Connection::on_end() {
  event([&] {
    peer_ended_ = true;
    if (phase_ == Phase::streaming || stream_->buffered() == 0) return finish(true);
    stream_->tell_drained();
    if (phase_ == Phase::requests) linger();
  });
}

void Http1Connection::on_error(const Error&) {
  event([&] { finish(true); });
}

void Http1Connection::on_timer() {
  event([&] {
    if (phase_ == Phase::requests && in_request_) return refuse(408, "the request took too long\n");
    const bool progress = stream_->sent() != seen_sent_;
    const bool waits = stream_->buffered() > 0;  // for the client to read
    if (phase_ == Phase::streaming && !waits) return arm(server_.options.idle_timeout);
    const bool first_look = phase_ == Phase::lingering && !std::exchange(lingered_, true);
    if (waits && (progress || first_look)) return arm(server_.options.idle_timeout);
    finish(true);
  });
}

void Http1Connection::finish(bool tell) {
  phase_ = Phase::over;
  timer_.disarm();
  stream_.reset();
  if (open_ == nullptr) return;
  HttpStream::Impl& open = *std::exchange(open_, nullptr);
  open.connection = nullptr;
  const auto closed = std::exchange(open.closed, nullptr);
  if (tell && closed) closed();
}

HttpStream::HttpStream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpStream::~HttpStream() {
  if (impl_->connection != nullptr) impl_->connection->end_stream();
}

HttpStream::Sent HttpStream::write(std::string_view bytes) {
  return impl_->connection == nullptr ? Sent::closed : impl_->connection->write_piece(bytes);
}

bool HttpStream::closed() const { return impl_->connection == nullptr; }

std::uint64_t HttpStream::dropped() const { return impl_->dropped; }

void HttpStream::on_closed(std::function<void()> listener) { impl_->closed = std::move(listener); }

}  // namespace lgen
