#include "http_endpoint.h"

#include <utility>

#include "addresses.h"
#include "civet.h"

namespace lgen::server {
namespace {

void send(mg_connection* connection, const Page& page, bool with_body) {
  mg_printf(connection, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
            page.status, mg_get_response_code_text(connection, page.status), page.content_type.c_str(),
            page.body.size());
  if (with_body) mg_write(connection, page.body.data(), page.body.size());
}

Page plain(int status, std::string body) { return {status, "text/plain; charset=utf-8", std::move(body)}; }

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
      server_(listen_http({"listening_ports", http_address(options, options.metrics_port), "num_threads", "4"},
                          "metrics", http_address(options, options.metrics_port), "--metrics-port")),
      port_(static_cast<std::uint16_t>(server_->getListeningPorts().at(0))),
      address_(http_address(options, port_)) {
  server_->addHandler("/metrics$", metrics_);
  server_->addHandler("/healthz$", healthz_);
  server_->addHandler("/readyz$", readyz_);
}

HttpEndpoint::~HttpEndpoint() { close_http(*server_, address_); }

}  // namespace lgen::server
