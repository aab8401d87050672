// A small HTTP/1.1 server on the loop, for pages about a run: a handler for each path answers at once, or keeps its
// answer open and writes to it as things happen (server-sent events).
// Thread: the loop's.
// Lifetime: the loop outlives the server; a handler may destroy the server. What a request shows is valid during its
// handler. A stream belongs to who opened it and may outlive the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lgen/error.h"
#include "lgen/http.h"
#include "lgen/loop.h"
#include "lgen/time.h"

namespace lgen {

struct HttpServerOptions {
  std::size_t max_head = 16 << 10;                      // bytes of request line and headers: else 431
  std::uint64_t max_body = 1 << 20;                     // bytes: else 413
  std::size_t max_connections = 256;                    // one more gets 503
  Duration request_timeout = std::chrono::seconds(10);  // from the first byte of a request to its last: else 408
  Duration idle_timeout = std::chrono::seconds(60);     // between requests, and for a reader that takes nothing
  std::size_t stream_buffer = 1 << 20;                  // bytes that wait for one slow reader of a stream
  std::size_t gzip_from = 1 << 10;                      // bytes of a text from which it is packed, if the client likes
};

/// What a client asks for.
struct HttpQuestion {
  std::string_view method;
  std::string_view path;   // decoded: "/a b" for /a%20b
  std::string_view query;  // as sent: "x=1&y=%20"
  const HttpHeadersView* headers = nullptr;
  std::string_view body;
  std::string_view peer;  // "127.0.0.1:40112"
};

/// The decoded value of `name` in a query or form ("" for a name alone), or nothing.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  HttpHeaders headers;  // more of them; Content-Length, Date, Connection are the server's
};

/// An answer that stays open.
class HttpStream {
 public:
  enum class Sent {
    accepted,
    dropped,  // this reader is too slow: its buffer has no room for all of it, so none of it is sent
    closed    // the reader has gone
  };

  /// Ends the answer; what is buffered still goes out.
  ~HttpStream();
  HttpStream(const HttpStream&) = delete;
  HttpStream& operator=(const HttpStream&) = delete;

  /// Everything written in one turn of the loop leaves in one write. An empty buffer takes a text of any size.
  Sent write(std::string_view bytes);
  bool closed() const;
  /// How often write() said `dropped`.
  std::uint64_t dropped() const;
  /// Called once, when the reader has gone; not when the server is destroyed. The stream may be destroyed in it.
  void on_closed(std::function<void()> listener);

  struct Impl;
  explicit HttpStream(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

/// How a handler answers: one call of reply() or stream(), before it returns. A handler that calls neither: 500.
class HttpReply {
 public:
  virtual void send(const HttpAnswer& answer) = 0;
  /// Sends status and headers (the body as the first bytes) and keeps the answer open. Closed at once for HEAD.
  virtual std::unique_ptr<HttpStream> stream(const HttpAnswer& head) = 0;

 protected:
  ~HttpReply() = default;
};
using HttpHandler = std::function<void(const HttpQuestion&, HttpReply&)>;

class HttpServer {
 public:
  explicit HttpServer(Loop& loop, HttpServerOptions options = {});
  /// Sends what the system takes at once and closes everything.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// `method` "GET" answers HEAD, too. Other methods of a known path get 405, unknown paths 404. The same method and
  /// path again replaces the handler.
  void on(std::string_view method, std::string_view path, HttpHandler handler);

  /// "127.0.0.1:8080", "[::1]:0" (0: any free port), "0.0.0.0:80" and "[::]:80" (every interface), ":8080" and "8080"
  /// (this machine only), "unix:/path" or "/path" (a socket that only its owner may use). Once.
  Outcome listen(const std::string& address);
  /// Where it listens, with the real port; empty: nowhere.
  const std::string& address() const;
  /// 0 for a local socket.
  int port() const;
  /// "http://127.0.0.1:8080", one that works on this machine; empty for a local socket.
  std::string url() const;

  /// No new connections; those without a request are closed, the others when their answer is out. The socket's path is
  /// free again at once.
  void close();
  std::size_t connections() const;

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace lgen
