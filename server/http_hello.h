// The hello role over HTTP/1.1: GET /hellohttp?name=NAME answers {"name", "version", "hostname"}, with the headers that
// say who this is.
//
// *Thread:* civetweb's own; a request waits on its thread while the server is still starting.
// *Lifetime:* listens from construction to destruction; the identity and the admission outlive it.
#pragma once

#include <CivetServer.h>

#include <cstdint>
#include <memory>
#include <string>

#include "admission.h"
#include "identity.h"
#include "options.h"

namespace lgen::server {

class HttpHello {
 public:
  // Throws std::runtime_error with a text for the user when it cannot listen.
  HttpHello(const Options& options, const Identity& identity, Admission& admission);
  ~HttpHello();
  HttpHello(const HttpHello&) = delete;
  HttpHello& operator=(const HttpHello&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  class Handler;

  std::unique_ptr<Handler> handler_;
  std::unique_ptr<CivetServer> server_;
  std::uint16_t port_ = 0;
  std::string address_;
};

}  // namespace lgen::server
