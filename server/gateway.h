// The gateway role: GET /hellogrpc?name=NAME and /hellohttp?name=NAME ask a hello service behind it and answer
// {"name", "version", "hostname", "response"}, where response is what the backend said of itself. So a client sees two
// spreads: its own over the gateways, and theirs over the backends. A backend that fails gives 502 and {"error"}.
//
// *Thread:* civetweb's own; a request holds its thread until the backend has answered.
// *Lifetime:* listens from construction to destruction; the options, the identity and the admission outlive it.
#pragma once

#include <CivetServer.h>

#include <cstdint>
#include <memory>
#include <string>

#include "admission.h"
#include "identity.h"
#include "options.h"

namespace lgen::server {

class Gateway {
 public:
  // Throws std::runtime_error with a text for the user when it cannot listen.
  Gateway(const Options& options, const Identity& identity, Admission& admission);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  class Handler;

  std::unique_ptr<Handler> grpc_;
  std::unique_ptr<Handler> http_;
  std::unique_ptr<CivetServer> server_;
  std::uint16_t port_ = 0;
  std::string address_;
};

}  // namespace lgen::server
