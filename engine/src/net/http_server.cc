// The server's own part: where it listens, whom it lets in, which handler answers.
#include <fmt/format.h>

#include <utility>
#include <vector>

#include "http_server_impl.h"

namespace lgen {
namespace {

std::string known_paths(const auto& handlers) {
  std::string text;
  for (const auto& [path, methods] : handlers) text += (text.empty() ? "" : ", ") + path;
  return text;
}

std::string known_methods(const auto& methods) {
  std::string text;
  for (const auto& [method, handler] : methods) {
    text += (text.empty() ? "" : ", ") + method + (method == "GET" ? ", HEAD" : "");
  }
  return text;
}

/// Every interface is reached through the loopback one.
std::string reachable(const Address& address) {
  const std::string text = to_string(address);
  if (text.starts_with("0.0.0.0:")) return "127.0.0.1" + text.substr(7);
  if (text.starts_with("[::]:")) return "[::1]" + text.substr(4);
  return text;
}

}  // namespace

void HttpServer::Impl::accepted(Socket socket, std::string peer) {
  if (connections.size() >= 2 * options.max_connections) return;  // not even a word
  auto made = std::make_unique<Http1Connection>(*this, context, std::move(socket), std::move(peer));
  Http1Connection& connection = *made;
  connections.emplace(&connection, std::move(made));
  if (connections.size() > options.max_connections) connection.turn_away();
}

void HttpServer::Impl::answer(const HttpQuestion& question, HttpReply& reply) {
  const auto found = handlers.find(question.path);
  if (found == handlers.end()) {
    return reply.send({.status = 404,
                       .body = fmt::format("there is no {} here; there is {}\n", question.path,
                                           handlers.empty() ? "nothing" : known_paths(handlers))});
  }
  const auto& methods = found->second;
  const auto handler = methods.find(std::string(question.method == "HEAD" ? "GET" : question.method));
  if (handler == methods.end()) {
    return reply.send({.status = 405,
                       .body = fmt::format("{} takes {}\n", question.path, known_methods(methods)),
                       .headers = {{"Allow", known_methods(methods)}}});
  }
  const HttpHandler call = handler->second;  // a copy: the handler may replace itself
  call(question, reply);
}

void HttpServer::Impl::erase(Http1Connection& connection) { connections.erase(&connection); }

void HttpServer::Impl::close() {
  closing = true;
  listener.reset();
  std::vector<Http1Connection*> all;
  for (const auto& [connection, owner] : connections) all.push_back(connection);
  for (Http1Connection* connection : all) connection->wind_up();
}

void HttpServer::Impl::abandon() {
  listener.reset();
  for (const auto& [connection, owner] : connections) connection->abandon();
  std::erase_if(connections, [](const auto& entry) { return !entry.first->busy(); });
}

HttpServer::HttpServer(Loop& loop, HttpServerOptions options) : impl_(std::make_shared<Impl>(loop, options)) {}

HttpServer::~HttpServer() { impl_->abandon(); }

void HttpServer::on(std::string_view method, std::string_view path, HttpHandler handler) {
  impl_->handlers[std::string(path)][std::string(method)] = std::move(handler);
}

Outcome HttpServer::listen(const std::string& address) {
  Impl& impl = *impl_;
  if (impl.listener) return make_error(ErrorCode::invalid_argument, "it listens already on " + impl.address);
  auto opened = TcpListener::open(impl.loop, address, [&impl](Socket socket, std::string peer) {
    impl.accepted(std::move(socket), std::move(peer));
  });
  if (!opened) return opened.error();
  impl.listener = std::move(*opened);
  impl.address = to_string(impl.listener->address());
  impl.port = impl.listener->address().port();
  return Done{};
}

const std::string& HttpServer::address() const { return impl_->address; }

int HttpServer::port() const { return impl_->port; }

std::string HttpServer::url() const {
  return impl_->port == 0 || !impl_->listener ? std::string() : "http://" + reachable(impl_->listener->address());
}

void HttpServer::close() { impl_->close(); }

std::size_t HttpServer::connections() const { return impl_->connections.size(); }

}  // namespace lgen
