#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "address.h"
#include "http_call.h"
#include "http_client_impl.h"

namespace lgen {

HttpPlace::HttpPlace(HttpClient::Impl& client, Url url, std::string key)
    : client_(client), url_(std::move(url)), key_(std::move(key)) {}

bool HttpPlace::room() const { return client_.options.max_connections == 0 || open_ < client_.options.max_connections; }

bool HttpPlace::keeps() const { return client_.options.keepalive && client_.options.max_idle > 0 && !client_.closed; }

HttpPlace::Turn HttpPlace::ask(HttpCall& call, HttpSession& session) {
  if (waiting_.empty() && !idle_.empty()) {
    session = std::move(idle_.back());
    idle_.pop_back();
    return Turn::kept;
  }
  if (waiting_.empty() && room()) {
    ++open_;
    return Turn::dial;
  }
  waiting_.push_back(&call);
  return Turn::wait;
}

void HttpPlace::stop_waiting(HttpCall& call) { std::erase(waiting_, &call); }

void HttpPlace::serve_waiting() {
  while (!waiting_.empty() && (!idle_.empty() || room())) {
    HttpCall& next = *waiting_.front();
    waiting_.pop_front();
    HttpSession session;
    if (idle_.empty()) {
      ++open_;
    } else {
      session = std::move(idle_.back());
      idle_.pop_back();
    }
    next.turn_came(std::move(session));
  }
}

void HttpPlace::connected(const Http1Session& session) {
  client_.tell({.kind = HttpConnectionEvent::Kind::opened,
                .connection = session.number(),
                .to = key_,
                .peer = session.peer(),
                .at = session.connect_timing().secured == TimePoint{} ? session.connect_timing().connected
                                                                      : session.connect_timing().secured});
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
  if (!reusable || !keeps()) return close(std::move(session));
  session->keep_for(this);
  idle_.push_back(std::move(session));
  if (idle_.size() <= client_.options.max_idle) return;
  HttpSession oldest = std::move(idle_.front());
  idle_.erase(idle_.begin());
  close(std::move(oldest));
}

void HttpPlace::close(HttpSession session) {
  --open_;
  client_.tell({.kind = HttpConnectionEvent::Kind::closed,
                .connection = session->number(),
                .to = key_,
                .peer = session->peer(),
                .at = client_.loop.now()});
}

void HttpPlace::lost(Http1Session& session) {
  const auto at = std::find_if(idle_.begin(), idle_.end(), [&](const auto& kept) { return kept.get() == &session; });
  if (at == idle_.end()) return;
  HttpSession gone = std::move(*at);
  idle_.erase(at);
  close(std::move(gone));
  serve_waiting();
}

void HttpPlace::close_idle() {
  for (HttpSession& session : std::exchange(idle_, {})) close(std::move(session));
}

Result<ConnectTo> HttpPlace::where() const {
  ConnectTo to{.host = url_.host, .port = url_.port, .tls_host = url_.host};
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
