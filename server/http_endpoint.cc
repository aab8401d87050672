#include "http_endpoint.h"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "addresses.h"

namespace lgen::server {
namespace {

void send(mg_connection* connection, const Page& page, bool with_body) {
  mg_printf(connection, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
            page.status, mg_get_response_code_text(connection, page.status), page.content_type.c_str(),
            page.body.size());
  if (with_body) mg_write(connection, page.body.data(), page.body.size());
}

Page plain(int status, std::string body) { return {status, "text/plain; charset=utf-8", std::move(body)}; }

// Civetweb would print its own, shorter, words for what we report ourselves.
CivetCallbacks quiet() {
  CivetCallbacks callbacks;
  callbacks.log_message = [](const mg_connection*, const char*) { return 1; };
  return callbacks;
}

std::unique_ptr<CivetServer> listen(const std::string& address) {
  const std::vector<std::string> settings = {"listening_ports", address, "num_threads", "4"};
  const CivetCallbacks callbacks = quiet();
  try {
    return std::make_unique<CivetServer>(settings, &callbacks);
  } catch (const CivetException&) {
    throw std::runtime_error(cannot_listen("metrics", address, "--metrics-port"));
  }
}

std::string address_on_port(const std::string& address, std::uint16_t port) {
  return fmt::format("{}:{}", address.substr(0, address.rfind(':')), port);
}

}  // namespace

bool PageHandler::handleGet(CivetServer*, mg_connection* connection) {
  send(connection, page_(), true);
  return true;
}

bool PageHandler::handleHead(CivetServer*, mg_connection* connection) {
  send(connection, page_(), false);
  return true;
}

HttpEndpoint::HttpEndpoint(const Options& options, std::function<std::string()> metrics_text)
    : metrics_([text = std::move(metrics_text)] {
        return Page{200, "text/plain; version=0.0.4; charset=utf-8", text()};
      }),
      healthz_([] { return plain(200, "ok\n"); }),
      readyz_([this] { return ready_ ? plain(200, "ready\n") : plain(503, "not ready\n"); }),
      server_(listen(metrics_address(options))),
      port_(static_cast<std::uint16_t>(server_->getListeningPorts().at(0))),
      address_(address_on_port(metrics_address(options), port_)) {
  server_->addHandler("/metrics$", metrics_);
  server_->addHandler("/healthz$", healthz_);
  server_->addHandler("/readyz$", readyz_);
}

HttpEndpoint::~HttpEndpoint() {
  // Civetweb's accepting thread looks for its end every two seconds, or when somebody knocks.
  const std::jthread knocking([this](const std::stop_token& closed) {
    while (!closed.stop_requested()) {
      knock(address_);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  server_->close();
}

}  // namespace lgen::server
