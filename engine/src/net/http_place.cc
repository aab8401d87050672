#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "address.h"
#include "http_call.h"
#include "http_client_impl.h"

namespace lgen {

HttpPlace::HttpPlace(HttpClient::Impl& client, Url url, std::string key)
    : client_(client), url_(std::move(url)), key_(std::move(key)) {
  const HttpVersion version = client.options.version;
  const bool asks = version == HttpVersion::negotiate && url_.tls;
  speaks_ = asks ? Speaks::unknown : version == HttpVersion::two ? Speaks::two : Speaks::one;
}

// ---- turns ----

/// Of HTTP/2 one connection is enough; until ALPN has spoken, one finds out.
std::size_t HttpPlace::most() const {
  const std::size_t most = client_.options.max_connections;
  if (speaks_ == Speaks::one || !client_.options.keepalive) return most == 0 ? SIZE_MAX : most;
  return speaks_ == Speaks::unknown || most == 0 ? 1 : most;
}

/// Those that take no more requests, and end with the ones they have, do not keep others waiting.
std::size_t HttpPlace::in_use() const {
  const auto leaving = std::count_if(lines_.begin(), lines_.end(), [](const Line& one) { return one.line->dead(); });
  return open_ - static_cast<std::size_t>(leaving);
}

bool HttpPlace::keeps() const { return client_.options.keepalive && client_.options.max_idle > 0 && !client_.closed; }

HttpPlace::Turn HttpPlace::turn_of_one(HttpSession& session) {
  if (idle_.empty()) return Turn::dial;
  session = std::move(idle_.back());
  idle_.pop_back();
  return Turn::kept;
}

/// The connection with the fewest requests; another one as long as that has any and more are allowed.
HttpPlace::Turn HttpPlace::turn_of_two(HttpSession& session) {
  Http2Line* best = nullptr;
  for (const Line& one : lines_) {
    if (best != nullptr && one.line->exchanges() >= best->exchanges()) continue;
    if (one.line->has_room() && one.maker == nullptr && client_.options.keepalive) best = one.line.get();
  }
  if (best == nullptr || (best->exchanges() > 0 && in_use() < most())) return Turn::dial;
  session = best->exchange();
  return Turn::kept;
}

HttpPlace::Turn HttpPlace::turn(HttpSession& session) {
  const Turn found = speaks_ == Speaks::two ? turn_of_two(session) : turn_of_one(session);
  if (found != Turn::dial) return found;
  if (in_use() >= most()) return Turn::wait;
  ++open_;
  return Turn::dial;
}

HttpPlace::Turn HttpPlace::ask(HttpCall& call, HttpSession& session) {
  const Turn found = waiting_.empty() ? turn(session) : Turn::wait;
  if (found == Turn::wait) waiting_.push_back(call);
  return found;
}

void HttpPlace::stop_waiting(HttpCall& call) {
  call.unlink();
  for (Line& one : lines_) {
    if (one.maker == &call) one.maker = nullptr;
  }
  drop_dead_lines();
}

void HttpPlace::timed_out(HttpCall& call) {
  for (Line& one : lines_) {
    if (one.maker == &call) one.line->waited_in_vain();
  }
}

std::string HttpPlace::obstacle() const {
  if (speaks_ == Speaks::one || !client_.options.keepalive) return "one of max_connections";
  std::string found = "a connection that another request makes";
  for (const Line& one : lines_) {
    if (one.line->dead()) continue;
    if (!one.line->settled()) {
      found = "a connection on which the server says nothing (no SETTINGS)";
    } else if (one.line->most_exchanges() > 0) {
      return fmt::format("one of the {} requests that the server allows at a time (SETTINGS)",
                         one.line->most_exchanges());
    } else {
      return "a connection on which the server allows no request (SETTINGS)";
    }
  }
  return found;
}

void HttpPlace::serve_waiting() {
  while (!waiting_.empty()) {
    HttpSession session;
    if (turn(session) == Turn::wait) return;
    waiting_.pop_front()->turn_came(std::move(session));
  }
}

// ---- connections ----

Outcome HttpPlace::connected(HttpCall& call, Connected made, HttpSession& session) {
  const HttpClientOptions& options = client_.options;
  const bool chosen = made.stream->protocol() == "h2";
  if (url_.tls && options.version == HttpVersion::two && !chosen) {
    return make_error(ErrorCode::tls, fmt::format("TLS with {} was made, but HTTP/2 was not agreed on (ALPN); let the "
                                                  "server offer h2, or use version 1.1",
                                                  made.stream->peer()));
  }
  if (url_.tls) speaks_ = chosen ? Speaks::two : Speaks::one;
  const Http1Parser::Limits limits{options.max_head, options.max_body};
  const std::uint64_t number = ++client_.connections;
  tell_opened(number, made.stream->peer(), made.timing);
  if (speaks_ == Speaks::one) {
    session.reset(
        new Http1Session(client_.loop, std::move(made), limits, options.gzip, number, options.expect_timeout));
    return Done{};
  }
  const Http2Line::Options line{limits, options.gzip, options.expect_timeout, options.connect_timeout};
  lines_.push_back({std::make_unique<Http2Line>(client_.context, std::move(made), line, number,
                                                static_cast<Http2Line::Owner&>(*this)),
                    &call});
  return Done{};
}

void HttpPlace::tell_opened(std::uint64_t number, std::string_view peer, const ConnectTiming& timing) const {
  client_.tell({.kind = HttpConnectionEvent::Kind::opened,
                .connection = number,
                .to = key_,
                .peer = peer,
                .at = timing.secured == TimePoint{} ? timing.connected : timing.secured});
}

void HttpPlace::tell_closed(std::uint64_t number, std::string_view peer, HttpClosed why) const {
  client_.tell({.kind = HttpConnectionEvent::Kind::closed,
                .connection = number,
                .to = key_,
                .peer = peer,
                .closed = why,
                .at = client_.loop.now()});
}

void HttpPlace::failed(const Error* error) {
  --open_;
  if (error == nullptr) return;
  client_.tell({.kind = HttpConnectionEvent::Kind::failed,
                .connection = 0,
                .to = key_,
                .peer = {},
                .error = error,
                .at = client_.loop.now()});
}

void HttpPlace::give_back(HttpSession session, bool reusable) {
  if (session->version() == "2") {  // whatever the last connection has agreed on
    session.reset();
    return drop_dead_lines();
  }
  if (!reusable || !keeps()) return close(std::move(session));
  static_cast<Http1Session&>(*session).keep_for(this);
  idle_.push_back(std::move(session));
  if (idle_.size() <= client_.options.max_idle) return;
  HttpSession oldest = std::move(idle_.front());
  idle_.erase(idle_.begin());
  close(std::move(oldest));
}

/// Of HTTP/1.1. Without keep-alive an answer says close because we have.
void HttpPlace::close(HttpSession session) {
  --open_;
  HttpClosed why = static_cast<const Http1Session&>(*session).why_closed();
  if (why == HttpClosed::answer && !client_.options.keepalive) why = HttpClosed::ours;
  tell_closed(session->number(), session->peer(), why);
}

void HttpPlace::lost(Http1Session& session) {
  const auto at = std::find_if(idle_.begin(), idle_.end(), [&](const auto& kept) { return kept.get() == &session; });
  if (at == idle_.end()) return;
  HttpSession gone = std::move(*at);
  idle_.erase(at);
  close(std::move(gone));
  serve_waiting();
}

/// Ready or over: who has made it goes first.
void HttpPlace::line_news(Http2Line& line) {
  const auto at = std::find_if(lines_.begin(), lines_.end(), [&](const Line& one) { return one.line.get() == &line; });
  if (at->maker != nullptr && (line.has_room() || line.dead())) {
    HttpCall& maker = *std::exchange(at->maker, nullptr);
    if (line.has_room()) {
      maker.turn_came(line.exchange());
    } else {
      const bool refused = line.left() || !line.error();
      const Error error = refused
                              ? make_error(ErrorCode::closed, fmt::format("{} takes no requests (GOAWAY)", line.peer()))
                              : *line.error();
      const auto seen = refused ? HttpExchange::Seen::never : HttpExchange::Seen::maybe;
      drop_dead_lines();
      maker.line_failed(error, seen);
      return;  // it has served those who wait, and may have been the client's last call
    }
  }
  drop_dead_lines();
  serve_waiting();
}

/// Those without requests that take no more; without keep-alive also those that have had theirs.
void HttpPlace::drop_dead_lines() {
  for (std::size_t i = 0; i < lines_.size();) {
    Http2Line& line = *lines_[i].line;
    const bool busy = line.exchanges() > 0 || line.telling() || lines_[i].maker != nullptr;
    if (busy || !(line.dead() || (line.settled() && !keeps()))) {
      ++i;
      continue;
    }
    drop_line(i);
  }
}

void HttpPlace::drop_line(std::size_t index) {
  Http2Line& line = *lines_[index].line;
  --open_;
  tell_closed(line.number(), line.peer(), line.why_closed());
  line.close();
  lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(index));
}

std::size_t HttpPlace::idle() const {
  const auto unused = [](const Line& one) { return one.line->exchanges() == 0 && one.maker == nullptr; };
  return idle_.size() + static_cast<std::size_t>(std::count_if(lines_.begin(), lines_.end(), unused));
}

void HttpPlace::close_idle() {
  for (auto& session : std::exchange(idle_, {})) close(std::move(session));
  for (std::size_t i = lines_.size(); i-- > 0;) {
    const Http2Line& line = *lines_[i].line;
    if (!line.telling() && line.exchanges() == 0 && lines_[i].maker == nullptr) drop_line(i);
  }
}

Result<ConnectTo> HttpPlace::where() const {
  ConnectTo to{.host = url_.host, .port = url_.port, .tls_host = url_.host, .net = client_.options.net};
  const std::string& instead = client_.options.connect_to;
  if (instead.starts_with("unix:")) {
    to.local_path = instead.substr(5);
  } else if (!instead.empty()) {
    const auto place = split_host_port(instead);
    if (!place || place->host.empty()) {
      return make_error(ErrorCode::invalid_argument,
                        fmt::format("connect_to is '{}', but has to be HOST:PORT or unix:PATH", instead));
    }
    to.host = place->host;
    to.port = place->port;
  }
  if (!url_.tls) return to;
  Result<std::shared_ptr<TlsContext>> context = client_.tls_context();
  if (!context) return context.error();
  to.tls = *context;
  return to;
}

}  // namespace lgen
