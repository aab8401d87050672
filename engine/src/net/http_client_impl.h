// What a client is made of: requests made ready, and a place for each scheme, host and port with the connections there.
// Thread: the loop's.
// Lifetime: calls keep the client alive; places are the client's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http1_request.h"
#include "http1_session.h"
#include "lgen/http.h"
#include "net_context.h"
#include "tcp_connect.h"
#include "tls_context.h"

namespace lgen {

class HttpCall;
class HttpPlace;

class HttpPrepared {
 public:
  HttpRequest request;  // without its body
  Url url;
  std::string text;  // the URL as messages show it
  Http1Head head;
  HttpPlace* place = nullptr;
};

using HttpSession = std::unique_ptr<Http1Session>;

/// The connections to one scheme, host and port, and the requests that wait for one.
class HttpPlace final : public Http1Session::Keeper {
 public:
  HttpPlace(HttpClient::Impl& client, Url url, std::string key);

  enum class Turn { kept, dial, wait };
  /// What `call` is to do: go on with `session`, make a connection (which counts from now on), or wait until it is told
  /// by HttpCall::turn_came. Who came first goes first.
  Turn ask(HttpCall& call, HttpSession& session);
  void stop_waiting(HttpCall& call);

  void connected(const Http1Session& session);
  /// A connection that was asked for has not come about.
  void failed(const Error* error);
  /// Whether a connection that takes another request is kept.
  bool keeps() const;
  /// A request is through with its connection. Those who wait are served by serve_waiting(), later.
  void give_back(HttpSession session, bool reusable);
  void serve_waiting();

  Result<ConnectTo> where() const;
  std::size_t idle() const { return idle_.size(); }
  void close_idle();

 private:
  void lost(Http1Session& session) override;
  void close(HttpSession session);
  bool room() const;

  HttpClient::Impl& client_;
  const Url url_;  // of the first request there
  const std::string key_;
  std::vector<HttpSession> idle_;  // the one used last is at the end, and used next
  std::deque<HttpCall*> waiting_;
  std::size_t open_ = 0;  // idle, busy or being made
};

struct HttpClient::Impl {
  Impl(Loop& client_loop, HttpClientOptions client_options);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<std::shared_ptr<const HttpPrepared>> prepare(const HttpRequest& request, std::optional<Url> url = {});
  Result<std::shared_ptr<TlsContext>> tls_context();
  HttpPlace& place_of(const Url& url);
  HttpCall& take_call();
  void tell(const HttpConnectionEvent& event) const {
    if (listener && !closed) listener(event);
  }

  Loop& loop;
  HttpClientOptions options;
  std::shared_ptr<NetContext> context;
  std::shared_ptr<TlsContext> tls;
  std::map<std::string, std::unique_ptr<HttpPlace>> places;
  std::vector<HttpCall*> spare;  // calls to be used again
  std::function<void(const HttpConnectionEvent&)> listener;
  std::uint64_t connections = 0;
  bool closed = false;  // nobody will ask any more
};

}  // namespace lgen
