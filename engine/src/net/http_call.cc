#include "http_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <tuple>
#include <utility>

#include "lgen/units.h"
#include "peer_text.h"
#include "percent.h"

namespace lgen {
namespace {

constexpr int kTries = 10;      // for each hop: what is kept may be closed again meanwhile
constexpr int kFreshTries = 1;  // of those on connections made for them

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool same_place(const Url& a, const Url& b) { return a.tls == b.tls && a.port == b.port && a.host == b.host; }

/// Not for other places: credentials, and the name of this one.
bool is_of_place(std::string_view name) {
  constexpr std::string_view kNames[] = {"authorization", "cookie", "host", "proxy-authorization"};
  return std::any_of(std::begin(kNames), std::end(kNames), [&](std::string_view one) {
    return std::equal(name.begin(), name.end(), one.begin(), one.end(),
                      [](unsigned char x, char y) { return std::tolower(x) == y; });
  });
}

/// 303, and what everybody does with POST after 301 and 302: the new page is asked for with GET.
bool becomes_get(int status, const std::string& method) {
  if (status == 303) return method != "HEAD";
  return (status == 301 || status == 302) && method == "POST";
}

bool describes_body(std::string_view name) {
  constexpr std::string_view kStart = "content-";
  return name.size() > kStart.size() && std::equal(kStart.begin(), kStart.end(), name.begin(), [](char x, char y) {
           return x == std::tolower(static_cast<unsigned char>(y));
         });
}

}  // namespace

void HttpCall::begin(const std::shared_ptr<HttpClient::Impl>& client, TimePoint intended, HttpDone done) {
  client_.enter(client);
  done_ = std::move(done);
  timing_ = {};
  timing_.started = loop_.precise_now();
  timing_.intended = intended == TimePoint{} ? timing_.started : intended;
  deadline_ = kNever;
  queued_ = Duration{0};
  hops_.clear();
  sent_ = received_ = 0;
  early_.reset();
  tries_ = 0;
  reused_ = retried_ = finishing_ = dropped_ = false;
}

void HttpCall::start(const std::shared_ptr<HttpClient::Impl>& client,
                     const std::shared_ptr<const HttpPrepared>& request, const HttpSend& now, HttpDone done) {
  begin(client, now.intended, std::move(done));
  if (request_ != request) request_ = request;  // to count its owners takes atomic instructions
  body_.assign(now.body);
  timeout_ = now.timeout.value_or(client_.options.timeout);
  if (timeout_ > Duration{0}) timer_.arm(deadline_ = timing_.started + timeout_);
  ask();
}

void HttpCall::refuse(const std::shared_ptr<HttpClient::Impl>& client, const HttpRequest& request, Error error,
                      HttpDone done) {
  begin(client, request.intended, std::move(done));
  request_.reset();
  method_ = request.method;
  text_ = without_password(request.url);
  finish_later(std::move(error));
}

void HttpCall::ask() {
  place_ = request_->place;
  asked_ = timing_.sent == TimePoint{} ? timing_.started : loop_.precise_now();
  switch (place_->ask(*this, session_)) {
    case HttpPlace::Turn::kept:
      return talk();
    case HttpPlace::Turn::dial:
      return dial();
    case HttpPlace::Turn::wait:
      stage_ = Stage::waiting;
  }
}

void HttpCall::turn_came(HttpSession session) {
  if (stage_ == Stage::waiting) queued_ += loop_.precise_now() - asked_;
  session_ = std::move(session);
  session_ ? talk() : dial();
}

void HttpCall::dial() {
  stage_ = Stage::dialling;
  reused_ = false;
  Result<ConnectTo> to = place_->where();
  if (!to) return finish_later(to.error());
  to->deadline = std::min(deadline_, loop_.now() + client_.options.connect_timeout);
  connecting_ = tcp_connect(client_.context, std::move(*to), [this](auto made) { connected(std::move(made)); });
}

void HttpCall::connected(Result<Connected> connected) {
  if (!connected) return finish(&connected.error(), false);
  if (const Outcome made = place_->connected(*this, std::move(*connected), session_); !made) {
    return finish(&made.error(), false);
  }
  if (session_) return talk();
  stage_ = Stage::settling;
}

void HttpCall::talk() {
  reused_ = stage_ != Stage::dialling && stage_ != Stage::settling;
  stage_ = Stage::talking;
  // Nobody has waited when a kept connection was there: a clock read saved.
  timing_.sent = reused_ && queued_ == Duration{0} ? asked_ : loop_.precise_now();
  session_->start(*request_, body_, *this);
}

/// Done with the connection, one way or the other. What the answer says stays readable until it is used again.
void HttpCall::leave(bool reusable) {
  if (!session_) return;
  sent_ += session_->sent();
  received_ += session_->received();
  place_->give_back(std::move(session_), reusable);
}

void HttpCall::on_answer(bool reusable) {
  if (hops_.size() < client_.options.follow && redirected(reusable)) return;
  finish(nullptr, reusable);
}

/// true: the request goes on elsewhere, or has failed to.
bool HttpCall::redirected(bool reusable) {
  const HttpExchange::Answer answer = session_->answer();
  const int status = answer.status;
  const auto location = is_redirect(status) ? find_header(*answer.headers, "location") : std::nullopt;
  if (!location) return false;
  Result<Url> url = resolve_reference(request_->url, *location);
  if (!url) {
    const Error error = make_error(
        ErrorCode::protocol,
        fmt::format("status {} redirects to where nobody can follow: {}", status, visible(url.error().message)));
    finish(&error, reusable);
    return true;
  }
  HttpRequest next = request_->request;
  if (becomes_get(status, next.method)) {
    next.method = "GET";
    body_.clear();
    std::erase_if(next.headers, [](const auto& header) { return describes_body(header.first); });
  }
  if (same_place(*url, request_->url)) {
    if (url->user.empty()) std::tie(url->user, url->password) = std::tie(request_->url.user, request_->url.password);
  } else {
    std::erase_if(next.headers, [](const auto& header) { return is_of_place(header.first); });
  }
  hops_.push_back({status, request_->text});
  Result<std::shared_ptr<const HttpPrepared>> ready = client_.prepare(next, std::move(*url));
  if (!ready) {
    finish(&ready.error(), reusable);
    return true;
  }
  HttpPlace& left = *place_;
  leave(reusable);
  tries_ = 0;
  request_ = std::move(*ready);
  ask();
  left.serve_waiting();
  return true;
}

/// What a server says it has not looked at can be sent once more, whatever it is (RFC 9113, 8.7).
bool HttpCall::may_retry(HttpExchange::Seen seen) const {
  if (!client_.options.retry_stale || tries_ >= (reused_ ? kTries : kFreshTries)) return false;
  if (seen == HttpExchange::Seen::never) return true;
  const std::string& method = request_->request.method;
  return seen == HttpExchange::Seen::unanswered && reused_ && (method == "GET" || method == "HEAD");
}

void HttpCall::on_failure(const Error& error, HttpExchange::Seen seen) {
  if (!may_retry(seen)) return finish(&error, false);
  retried_ = true;
  ++tries_;
  leave(false);
  place_->close_idle();  // they are as old: a server that has left one has left them all
  ask();
}

void HttpCall::on_timer() {
  if (early_) return finish(&*early_, false);
  const Error error = too_late();
  if (session_) session_->timed_out(timing_.sent);
  if (stage_ == Stage::settling) place_->timed_out(*this);
  finish(&error, false);
}

Error HttpCall::too_late() const {
  const bool waits = stage_ == Stage::waiting || stage_ == Stage::settling;
  std::string so_far = waits ? "nothing but a wait for " + place_->obstacle() : "not even a connection";
  if (!waits && !session_ && queued_ > Duration{0}) {
    so_far += fmt::format(" after a wait of {} for its turn", format_duration(queued_));
  }
  if (session_ && session_->unsent() > 0 && session_->first_byte() == TimePoint{}) {
    so_far = fmt::format("and {} bytes of the request{} are still here, because the server does not take them",
                         session_->unsent(), body_.empty() ? "" : "'s body");
  } else if (session_) {
    const HttpExchange::Answer answer = session_->answer();
    so_far = answer.head_complete
                 ? fmt::format("only status {} and {} bytes of body", answer.status, answer.body_received)
             : session_->first_byte() == TimePoint{} ? "not a byte of it"
                                                     : "only a part of its headers";
  }
  return make_error(ErrorCode::timeout, fmt::format("no whole answer within {} s, {}; allow it more time, or look "
                                                    "why the server is slow",
                                                    to_seconds(timeout_), so_far));
}

void HttpCall::finish_later(Error error) {
  if (stage_ == Stage::ended || early_) return;
  early_ = std::move(error);
  connecting_.reset();
  leave(false);
  timer_.arm(loop_.now());
}

void HttpCall::finish(const Error* error, bool reusable) {
  finishing_ = true;
  timer_.disarm();
  timing_.done = session_ && session_->done() != TimePoint{} ? session_->done() : loop_.precise_now();
  if (stage_ == Stage::waiting) queued_ += timing_.done - asked_;  // in vain
  HttpResult result;
  if (error) {
    const std::string& method = request_ ? request_->request.method : method_;
    result.error =
        make_error(error->code, fmt::format("{} {}: {}", method, request_ ? request_->text : text_, error->message));
  }
  fill(result);
  if (stage_ == Stage::waiting || stage_ == Stage::settling) place_->stop_waiting(*this);
  if (stage_ == Stage::dialling)
    place_->failed(error != nullptr && error->code != ErrorCode::cancelled ? error : nullptr);
  const bool had_place = place_ != nullptr;
  // The plan's next request may take the connection: so it is given back before, and not used any more here. One that
  // is to be closed lasts as long as what the result shows of it.
  HttpSession closing =
      reusable && session_ && place_->keeps() && session_->version() == "1.1" ? nullptr : std::move(session_);
  leave(true);
  stage_ = Stage::ended;
  client_.show();
  std::exchange(done_, nullptr)(result);
  client_.shown();
  if (closing) place_->give_back(std::move(closing), false);
  if (had_place) place_->serve_waiting();
  connecting_.reset();
  finishing_ = false;
  if (dropped_) recycle();
}

void HttpCall::fill(HttpResult& result) const {
  static const HttpHeadersView kNone;
  result.headers = &kNone;
  result.timing = timing_;
  result.queued = queued_;
  result.reused = reused_;
  result.retried = retried_;
  result.hops = hops_;
  result.url = request_ ? request_->text : text_;
  result.sent = sent_;
  result.received = received_;
  if (!session_) return;
  result.sent += session_->sent();
  result.received += session_->received();
  result.peer = session_->peer();
  result.connection = session_->number();
  result.connect = session_->connect_timing();
  result.timing.first_byte = session_->first_byte();
  result.version = session_->version();
  const HttpExchange::Answer answer = session_->answer();
  if (!answer.head_complete) return;
  result.status = answer.status;
  result.reason = answer.reason;
  result.headers = answer.headers;
  result.body = answer.body;
}

void HttpCall::drop() noexcept {
  dropped_ = true;
  if (finishing_) return;
  timer_.disarm();
  connecting_.reset();
  if (stage_ == Stage::waiting || stage_ == Stage::settling) place_->stop_waiting(*this);
  if (stage_ == Stage::dialling) place_->failed(nullptr);
  HttpPlace* left = stage_ == Stage::ended ? nullptr : place_;
  leave(false);
  stage_ = Stage::ended;
  if (left) left->serve_waiting();
  recycle();
}

/// Subtleness ahead: the client may go away with its last call, and take the spare ones along.
void HttpCall::recycle() {
  stage_ = Stage::idle;
  place_ = nullptr;
  done_ = nullptr;
  HttpClient::Impl& client = client_;
  client.spare.push_back(this);
  client.leave();
}

}  // namespace lgen
