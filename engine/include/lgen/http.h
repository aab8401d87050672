// HTTP as lgen asks it: addresses of pages, and a client that sends requests and keeps its connections. Like every
// transport it returns results with a Timing and records nothing.
// Thread: the loop's.
// Lifetime: the loop outlives the client and its requests. A request may outlive the client. Views handed to a callback
// are valid only during it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lgen/error.h"
#include "lgen/loop.h"
#include "lgen/net_options.h"
#include "lgen/op.h"
#include "lgen/time.h"
#include "lgen/tls.h"

namespace lgen {

/// Names in any case when sent; in lower case when received.
using HttpHeaders = std::vector<std::pair<std::string, std::string>>;
using HttpHeadersView = std::vector<std::pair<std::string_view, std::string_view>>;

/// First value of `key` (in lower case), or nothing.
std::optional<std::string_view> find_header(const HttpHeadersView& headers, std::string_view key);
/// Whether two names of headers are the same, in any case.
bool same_header_name(std::string_view a, std::string_view b);
/// Whether `headers` has `name`, in any case.
bool has_header(const HttpHeaders& headers, std::string_view name);

/// http://host:port/path?query, taken apart.
struct Url {
  bool tls = false;          // https
  std::string host;          // without the brackets of an IPv6 address
  int port = 80;             // 443 for https, unless the text has its own
  std::string target = "/";  // path and query, as they go into the request line; a #fragment is left out
  std::string user;          // user:password@ is sent as Basic authorization and never printed
  std::string password;

  /// "host", "host:8080", "[::1]:8080": what the Host header says.
  std::string authority() const;
  /// The whole, without user and password.
  std::string text() const;
};

/// Only http:// and https://; the error says what is wrong where.
Result<Url> parse_url(std::string_view text);

/// Where a `reference` on the page `base` leads (RFC 3986, 5.2): "https://a/b", "//a/b", "/b?q", "../b".
Result<Url> resolve_reference(const Url& base, std::string_view reference);

/// When each step of making a connection was through; zero: there was no such step.
struct ConnectTiming {
  TimePoint started;
  TimePoint resolved;    // the name has become addresses
  TimePoint connected;   // TCP or the local socket
  TimePoint secured;     // TLS
  bool resumed = false;  // TLS went on with a session of an earlier connection
};

enum class HttpVersion {
  one,        // HTTP/1.1
  two,        // HTTP/2: with TLS by ALPN, without as if it were known that the server speaks it
  negotiate,  // with TLS what ALPN chooses, without HTTP/1.1
};

struct HttpClientOptions {
  HttpVersion version = HttpVersion::one;
  TlsOptions tls;                                       // for https://
  Duration connect_timeout = std::chrono::seconds(10);  // name, TCP, TLS and HTTP/2's SETTINGS together
  Duration timeout = std::chrono::seconds(30);          // the whole request, connecting included; 0: none
  std::size_t max_head = 64 << 10;                      // bytes of status line and headers
  std::uint64_t max_body = 64 << 20;                    // bytes of body, after unpacking
  bool gzip = true;                                     // offer gzip, unpack what comes packed
  bool keepalive = true;                                // false: a connection for each request
  std::size_t max_idle = 8;                             // connections kept for each host and port; 0: none
  std::size_t max_connections = 0;                      // at a time, for each host and port; further requests wait;
                                                        // 0: as many as are wanted; of HTTP/2: one
  std::size_t follow = 0;                               // redirects that a request follows
  std::string user_agent;                               // empty: lgen/VERSION
  std::shared_ptr<const NetOptions> net;                // nothing: connections go where URLs say
  /// Where to connect instead of the URL's host and port: "host:port" or "unix:/path/of.socket".
  std::string connect_to;
  /// Ask once more, on a new connection, when a kept one is closed before the first byte of the answer. Only GET and
  /// HEAD: they change nothing over there. Over HTTP/2 also any request that a leaving server (GOAWAY) says it has not
  /// looked at.
  bool retry_stale = true;
  /// A request with a body and `Expect: 100-continue` sends its head and waits for the server to ask for the body, this
  /// long at most. A final status that comes instead is the answer: the body is never sent, nor the connection kept.
  Duration expect_timeout = std::chrono::seconds(1);
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  HttpHeaders headers;  // Host, Content-Length, User-Agent, Accept-Encoding are added unless given here; Expect is left
                        // out where there is no body
  std::string body;
  std::optional<Duration> timeout;  // nothing: the client's
  TimePoint intended{};             // copied into the Timing; zero: the start of the request
};

/// A request made ready once, to be sent many times: its URL taken apart, its head written. Good for the client that
/// made it, and may outlive it.
class HttpPrepared;
/// For messages: its URL, without a password; its first line and headers as they go out in HTTP/1.1.
const std::string& request_url(const HttpPrepared& request);
const std::string& request_head(const HttpPrepared& request);

/// What differs each time. The body is copied.
struct HttpSend {
  std::string_view body;
  std::optional<Duration> timeout;  // nothing: the client's
  TimePoint intended{};
};

/// An answer that sent the request elsewhere.
struct HttpHop {
  int status = 0;
  std::string url;  // that gave it
};

struct HttpResult {
  std::optional<Error> error;  // set: there is no whole answer. Any status at all is an answer
  int status = 0;              // 0: not even a status line
  std::string_view reason;     // "Not Found"
  std::string_view body;       // unpacked
  const HttpHeadersView* headers = nullptr;
  std::string_view version;       // "1.1" or "2"; empty: never connected
  std::string_view url;           // that gave the answer: the last one, after redirects
  std::span<const HttpHop> hops;  // followed before
  Timing timing;                  // `sent` and `first_byte` are the last hop's
  Duration queued{0};             // waiting for one of max_connections
  ConnectTiming connect;          // of the connection, also when an earlier request made it
  std::string_view peer;          // "127.0.0.1:9464"; empty: never connected
  std::uint64_t connection = 0;   // the client's connections count from 1; 0: never connected
  std::uint64_t sent = 0;         // bytes of all hops, as TLS or TCP takes them
  std::uint64_t received = 0;
  bool reused = false;   // an earlier request made the connection
  bool retried = false;  // by retry_stale

  /// A whole answer with a status of 200 to 299.
  bool ok() const { return !error && status >= 200 && status < 300; }
};
using HttpDone = std::function<void(const HttpResult&)>;

/// Why a connection is gone.
enum class HttpClosed {
  ours,    // by us: no keep-alive, one too many, its request was cancelled, the client closes
  answer,  // its last answer said so
  idle,    // by the server, between requests
  goaway,  // HTTP/2: the server leaves
  failed,  // with a request on it: lost, malformed, or too late
};
/// "ours", "answer", ...
std::string_view to_string(HttpClosed closed);

/// A connection of a client that was made, was not made, or is gone.
struct HttpConnectionEvent {
  enum class Kind { opened, failed, closed };
  Kind kind;
  std::uint64_t connection = 0;  // 0: it was not made
  std::string_view to;           // "http://host:port"
  std::string_view peer;
  const Error* error = nullptr;  // of one that was not made
  HttpClosed closed = HttpClosed::ours;
  TimePoint at;
};

/// HTTP with connections kept between requests. A connection of HTTP/1.1 carries one request at a time; requests at the
/// same time have connections of their own. Those of HTTP/2 share one, or max_connections of them.
class HttpClient {
 public:
  explicit HttpClient(Loop& loop, HttpClientOptions options = {});
  /// Running requests go on; connections without one close at once.
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Reads now what https needs, instead of when the first such URL is made ready: the CA store, which takes tens of
  /// milliseconds, and files. The error says which of them is wrong.
  Outcome load_tls();

  /// Dropping the Op closes the request's connection.
  Op send(const HttpRequest& request, HttpDone done);

  /// Body, timeout and intended start of `request` do not count. The error says what cannot be sent, and why.
  Result<std::shared_ptr<const HttpPrepared>> prepare(const HttpRequest& request);
  Op send(const std::shared_ptr<const HttpPrepared>& request, const HttpSend& now, HttpDone done);

  /// One listener; it must not use the client.
  void on_connection(std::function<void(const HttpConnectionEvent&)> listener);

  /// Connections made so far, and kept without a request now.
  std::uint64_t connections() const;
  std::size_t idle_connections() const;
  void close_idle();

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace lgen
