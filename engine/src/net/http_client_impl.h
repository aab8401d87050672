// What a client is made of: requests made ready, and a place for each scheme, host and port with the connections there.
// Thread: the loop's.
// Lifetime: calls keep the client alive; places are the client's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hook_list.h"
#include "http1_session.h"
#include "http2_line.h"
#include "http_prepared.h"
#include "lgen/http.h"
#include "net_context.h"
#include "tcp_connect.h"
#include "tls_context.h"

namespace lgen {

class HttpCall;
class HttpPlace;
struct WaitingForTurn;  // tag of a place's list

/// The connections to one scheme, host and port, and the requests that wait for one.
class HttpPlace final : public Http1Session::Keeper, private Http2Line::Owner {
 public:
  HttpPlace(HttpClient::Impl& client, Url url, std::string key);

  enum class Turn { kept, dial, wait };
  /// What `call` is to do: go on with `session`, make a connection (which counts from now on), or wait until it is told
  /// by HttpCall::turn_came. Who came first goes first.
  Turn ask(HttpCall& call, HttpSession& session);
  void stop_waiting(HttpCall& call);
  /// `call` has waited as long as it could for the connection it has made.
  void timed_out(HttpCall& call);
  /// What those who wait here wait for, to tell them.
  std::string obstacle() const;

  /// `call` has made a connection. It goes on with `session`; nothing: HttpCall::turn_came or HttpCall::line_failed
  /// follows, unless stop_waiting() does. The error: no connection of the version that is wanted.
  Outcome connected(HttpCall& call, Connected made, HttpSession& session);
  /// A connection that was asked for has not come about.
  void failed(const Error* error);
  /// Whether a connection that takes another request is kept.
  bool keeps() const;
  /// A request is through with its connection. Those who wait are served by serve_waiting(), later.
  void give_back(HttpSession session, bool reusable);
  void serve_waiting();

  Result<ConnectTo> where() const;
  std::size_t idle() const;
  void close_idle();

 private:
  /// A connection of HTTP/2, and who has made it and waits until it is ready.
  struct Line {
    std::unique_ptr<Http2Line> line;
    HttpCall* maker = nullptr;
  };
  enum class Speaks { unknown, one, two };

  void lost(Http1Session& session) override;
  void line_news(Http2Line& line) override;
  Turn turn(HttpSession& session);
  Turn turn_of_one(HttpSession& session);
  Turn turn_of_two(HttpSession& session);
  std::size_t most() const;
  std::size_t in_use() const;
  void tell_opened(std::uint64_t number, std::string_view peer, const ConnectTiming& timing) const;
  void tell_closed(std::uint64_t number, std::string_view peer, HttpClosed why) const;
  void close(HttpSession session);
  void drop_dead_lines();
  void drop_line(std::size_t index);

  HttpClient::Impl& client_;
  const Url url_;  // of the first request there
  const std::string key_;
  Speaks speaks_;
  std::vector<HttpSession> idle_;  // of HTTP/1.1; the one used last is at the end, and used next
  std::vector<Line> lines_;
  HookList<HttpCall, WaitingForTurn> waiting_;
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
  /// A call begins, or is over: the client lasts as long as its calls. leave() may destroy it.
  void enter(const std::shared_ptr<Impl>& self) {
    if (busy++ == 0) kept_by_calls = self;
  }
  void leave() {
    if (--busy == 0) const std::shared_ptr<Impl> last = std::move(kept_by_calls);
  }
  /// The result of a call is being looked at: connections given back with it stay until shown().
  void show() { ++showing; }
  void shown() {
    if (--showing == 0 && std::exchange(close_when_shown, false)) close_idle();
  }
  void close_idle();
  void tell(const HttpConnectionEvent& event) const {
    if (listener && !closed) listener(event);
  }

  Loop& loop;
  HttpClientOptions options;
  std::shared_ptr<NetContext> context;
  std::shared_ptr<TlsContext> tls;
  std::map<std::string, std::unique_ptr<HttpPlace>> places;
  std::vector<HttpCall*> spare;  // calls to be used again
  std::size_t busy = 0;          // the others
  std::size_t showing = 0;
  bool close_when_shown = false;
  std::shared_ptr<Impl> kept_by_calls;
  std::function<void(const HttpConnectionEvent&)> listener;
  std::uint64_t connections = 0;
  bool closed = false;  // nobody will ask any more
};

}  // namespace lgen
