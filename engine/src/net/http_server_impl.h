// The server's table of handlers and connections.
// Thread: the loop's.
// Lifetime: shared, so that it lasts through the handler that destroys the server.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "http1_connection.h"
#include "lgen/http_server.h"
#include "net_context.h"
#include "tcp_listener.h"

namespace lgen {

struct HttpServer::Impl : std::enable_shared_from_this<HttpServer::Impl> {
  Impl(Loop& server_loop, const HttpServerOptions& server_options)
      : loop(server_loop), options(server_options), context(std::make_shared<NetContext>(loop)) {}

  void accepted(Socket socket, std::string peer);
  /// Calls the handler, or answers 404 or 405.
  void answer(const HttpQuestion& question, HttpReply& reply);
  void erase(Http1Connection& connection);
  void close();
  /// The server is being destroyed.
  void abandon();

  Loop& loop;
  HttpServerOptions options;
  std::shared_ptr<NetContext> context;
  std::unique_ptr<TcpListener> listener;
  std::string address;
  int port = 0;
  std::map<std::string, std::map<std::string, HttpHandler>, std::less<>> handlers;  // path, method
  std::unordered_map<Http1Connection*, std::unique_ptr<Http1Connection>> connections;
  bool closing = false;
};

}  // namespace lgen
