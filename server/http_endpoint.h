// Serves /metrics, /healthz and /readyz over HTTP/1.1.
//
// *Thread:* civetweb's own few threads; `set_ready` may be called from any thread.
// *Lifetime:* listens from construction to destruction.
#pragma once

#include <CivetServer.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "options.h"

namespace lgen::server {

// Answers GET and HEAD with whatever `Page` says at that moment.
struct Page {
  int status;
  std::string content_type;
  std::string body;
};

class PageHandler final : public CivetHandler {
 public:
  explicit PageHandler(std::function<Page()> page) : page_(std::move(page)) {}
  bool handleGet(CivetServer* server, mg_connection* connection) override;
  bool handleHead(CivetServer* server, mg_connection* connection) override;

 private:
  std::function<Page()> page_;
};

class HttpEndpoint {
 public:
  // Throws std::runtime_error with a text for the user when it cannot listen.
  HttpEndpoint(const Options& options, std::function<std::string()> metrics_text);
  ~HttpEndpoint();
  HttpEndpoint(const HttpEndpoint&) = delete;
  HttpEndpoint& operator=(const HttpEndpoint&) = delete;

  std::uint16_t port() const { return port_; }
  void set_ready(bool ready) { ready_ = ready; }

 private:
  std::atomic<bool> ready_{false};
  PageHandler metrics_;
  PageHandler healthz_;
  PageHandler readyz_;
  std::unique_ptr<CivetServer> server_;
  std::uint16_t port_ = 0;
  std::string address_;
};

}  // namespace lgen::server
