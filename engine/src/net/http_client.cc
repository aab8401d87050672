// The client: requests, and the connections that are kept between them.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "address.h"
#include "http1_request.h"
#include "http1_session.h"
#include "lgen/http.h"
#include "net_context.h"
#include "percent.h"
#include "tcp_connect.h"

namespace lgen {

using Session = std::unique_ptr<Http1Session>;

struct HttpClient::Impl {
  Impl(Loop& client_loop, HttpClientOptions client_options)
      : loop(client_loop), options(std::move(client_options)), context(std::make_shared<NetContext>(loop)) {}

  Result<ConnectTo> where(const Url& url);
  Result<std::shared_ptr<TlsContext>> tls_context();
  /// A kept connection, or none.
  Session take(const std::string& key);
  void keep(const std::string& key, Session session);
  void lost(const std::string& key, const Http1Session* session);

  Loop& loop;
  HttpClientOptions options;
  std::shared_ptr<NetContext> context;
  std::shared_ptr<TlsContext> tls;
  std::map<std::string, std::vector<Session>> idle;  // by scheme, host and port
  std::uint64_t connections = 0;
  bool closed = false;  // nobody will ask any more
};

namespace {

std::string key_of(const Url& url) { return (url.tls ? "https://" : "http://") + url.authority(); }

/// One request, from send() to its result.
class HttpCall final : public Operation, private Http1Session::User {
 public:
  HttpCall(std::shared_ptr<HttpClient::Impl> client, HttpDone done)
      : client_(std::move(client)), done_(std::move(done)), timer_(client_->loop, [this] { on_timer(); }) {}

  void start(const HttpRequest& request);
  void cancel() noexcept override { finish_later(make_error(ErrorCode::cancelled, "cancelled")); }
  void drop() noexcept override {
    dropped_ = true;
    if (!finishing_) delete this;
  }

 private:
  TimePoint now() const { return client_->loop.precise_now(); }
  void go();
  void dial();
  void connected(Result<Connected> connected);
  void send();
  void on_answer(bool reusable) override;
  void on_failure(const Error& error, bool untouched) override;
  bool may_retry(bool untouched) const;
  void on_timer();
  Error too_late() const;
  void finish_later(Error error);
  void finish(std::optional<Error> error, bool reusable);
  void fill(HttpResult& result) const;

  std::shared_ptr<HttpClient::Impl> client_;
  HttpDone done_;
  Timer timer_;  // the whole request's; or completes what ended inside a call
  std::string method_;
  Url url_;
  std::string url_text_;
  std::string bytes_;
  Duration timeout_{0};
  Deadline deadline_ = kNever;
  Timing timing_;
  Op connecting_;
  Session session_;
  std::optional<Error> early_;  // set: completes at the timer
  bool reused_ = false;
  bool retried_ = false;
  bool finishing_ = false;
  bool finished_ = false;
  bool dropped_ = false;
};

void HttpCall::start(const HttpRequest& request) {
  method_ = request.method;
  url_text_ = without_password(request.url);
  timing_.started = now();
  timing_.intended = request.intended == TimePoint{} ? timing_.started : request.intended;
  Result<Url> url = parse_url(request.url);
  if (!url) return finish_later(url.error());
  url_ = std::move(*url);
  url_text_ = url_.text();
  Result<std::string> bytes = write_request(request, url_, client_->options);
  if (!bytes) return finish_later(bytes.error());
  bytes_ = std::move(*bytes);
  timeout_ = request.timeout.value_or(client_->options.timeout);
  if (timeout_ > Duration{0}) timer_.arm(deadline_ = timing_.started + timeout_);
  go();
}

void HttpCall::go() {
  session_ = retried_ ? nullptr : client_->take(key_of(url_));
  reused_ = session_ != nullptr;
  return reused_ ? send() : dial();
}

void HttpCall::dial() {
  Result<ConnectTo> to = client_->where(url_);
  if (!to) return finish_later(to.error());
  to->deadline = std::min(deadline_, client_->loop.now() + client_->options.connect_timeout);
  connecting_ = tcp_connect(client_->context, std::move(*to), [this](auto made) { connected(std::move(made)); });
}

void HttpCall::connected(Result<Connected> connected) {
  if (!connected) return finish(connected.error(), false);
  ++client_->connections;
  const HttpClientOptions& options = client_->options;
  session_ = std::make_unique<Http1Session>(client_->loop, std::move(*connected),
                                            Http1Parser::Limits{options.max_head, options.max_body}, options.gzip);
  send();
}

void HttpCall::send() {
  timing_.sent = now();
  session_->start(bytes_, method_ == "HEAD", *this);
}

void HttpCall::on_answer(bool reusable) { finish(std::nullopt, reusable); }

bool HttpCall::may_retry(bool untouched) const {
  return untouched && reused_ && client_->options.retry_stale && (method_ == "GET" || method_ == "HEAD");
}

void HttpCall::on_failure(const Error& error, bool untouched) {
  if (!may_retry(untouched)) return finish(error, false);
  retried_ = true;
  go();
}

void HttpCall::on_timer() { finish(early_ ? *early_ : too_late(), false); }

Error HttpCall::too_late() const {
  std::string so_far = "not even a connection";
  if (session_ && !session_->answer().head_complete()) {
    so_far = session_->first_byte() == TimePoint{} ? "nothing of it" : "a part of its headers";
  } else if (session_) {
    so_far =
        fmt::format("status {} and {} bytes of body", session_->answer().status(), session_->answer().body_received());
  }
  return make_error(ErrorCode::timeout, fmt::format("no whole answer within {} s, only {}; allow it more time, or look "
                                                    "why the server is slow",
                                                    to_seconds(timeout_), so_far));
}

void HttpCall::finish_later(Error error) {
  if (finished_ || early_) return;
  early_ = std::move(error);
  connecting_.reset();
  session_.reset();
  timer_.arm(client_->loop.now());
}

/// The views point into the session, which is kept or closed afterwards.
void HttpCall::finish(std::optional<Error> error, bool reusable) {
  finished_ = finishing_ = true;
  timer_.disarm();
  timing_.done = session_ && session_->done() != TimePoint{} ? session_->done() : now();
  HttpResult result;
  fill(result);
  if (error) result.error = make_error(error->code, fmt::format("{} {}: {}", method_, url_text_, error->message));
  std::exchange(done_, nullptr)(result);
  if (session_ && reusable) client_->keep(key_of(url_), std::move(session_));
  session_.reset();
  connecting_.reset();
  finishing_ = false;
  if (dropped_) delete this;
}

void HttpCall::fill(HttpResult& result) const {
  static const HttpHeadersView kNone;
  result.headers = &kNone;
  result.timing = timing_;
  result.reused = reused_;
  result.retried = retried_;
  if (!session_) return;
  result.peer = session_->peer();
  result.connect = session_->connect_timing();
  result.timing.first_byte = session_->first_byte();
  const Http1Parser& answer = session_->answer();
  if (!answer.head_complete()) return;
  result.status = answer.status();
  result.reason = answer.reason();
  result.headers = &answer.headers();
  result.body = answer.body();
}

}  // namespace

Result<ConnectTo> HttpClient::Impl::where(const Url& url) {
  ConnectTo to{.host = url.host, .port = url.port, .tls_host = url.host};
  if (options.connect_to.starts_with("unix:")) {
    to.local_path = options.connect_to.substr(5);
  } else if (!options.connect_to.empty()) {
    const auto place = split_host_port(options.connect_to);
    if (!place || place->host.empty()) {
      return make_error(ErrorCode::invalid_argument,
                        fmt::format("connect_to is '{}', but has to be HOST:PORT or unix:PATH", options.connect_to));
    }
    to.host = place->host;
    to.port = place->port;
  }
  if (!url.tls) return to;
  Result<std::shared_ptr<TlsContext>> context_made = tls_context();
  if (!context_made) return context_made.error();
  to.tls = *context_made;
  return to;
}

Result<std::shared_ptr<TlsContext>> HttpClient::Impl::tls_context() {
  if (tls) return tls;
  Result<std::shared_ptr<TlsContext>> made = TlsContext::make(options.tls, {"http/1.1"});
  if (made) tls = *made;
  return made;
}

Session HttpClient::Impl::take(const std::string& key) {
  const auto found = idle.find(key);
  if (found == idle.end()) return nullptr;
  Session session = std::move(found->second.back());
  found->second.pop_back();
  if (found->second.empty()) idle.erase(found);
  session->on_lost(nullptr);
  return session;
}

void HttpClient::Impl::keep(const std::string& key, Session session) {
  if (closed || options.max_idle == 0) return;
  session->on_lost([this, key, lost_one = session.get()] { lost(key, lost_one); });
  std::vector<Session>& kept = idle[key];
  kept.push_back(std::move(session));
  if (kept.size() > options.max_idle) kept.erase(kept.begin());
}

void HttpClient::Impl::lost(const std::string& key, const Http1Session* session) {
  const auto found = idle.find(key);
  if (found == idle.end()) return;
  std::erase_if(found->second, [session](const Session& kept) { return kept.get() == session; });
  if (found->second.empty()) idle.erase(found);
}

HttpClient::HttpClient(Loop& loop, HttpClientOptions options)
    : impl_(std::make_shared<Impl>(loop, std::move(options))) {}

HttpClient::~HttpClient() {
  impl_->closed = true;
  impl_->idle.clear();
}

Op HttpClient::send(const HttpRequest& request, HttpDone done) {
  auto* call = new HttpCall(impl_, std::move(done));
  call->start(request);
  return Op(call);
}

std::uint64_t HttpClient::connections() const { return impl_->connections; }

std::size_t HttpClient::idle_connections() const {
  std::size_t count = 0;
  for (const auto& [key, sessions] : impl_->idle) count += sessions.size();
  return count;
}

void HttpClient::close_idle() { impl_->idle.clear(); }

}  // namespace lgen
