// The gRPC server itself: ports, credentials, connection age, and the way it goes down.
//
// *Thread:* made and shut down on the main thread; calls run on gRPC's callback threads.
// *Lifetime:* the services outlive it.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "options.h"

namespace lgen::server {

class GrpcEndpoint {
 public:
  // Listens and serves. Throws std::runtime_error with a text for the user when it cannot.
  GrpcEndpoint(const Options& options, const std::vector<grpc::Service*>& services,
               grpc::CallbackGenericService& fallback);

  std::uint16_t port() const { return port_; }

  // GOAWAY on every connection; calls may go on for `grace`, then they are cancelled. Returns when all are over.
  void shut_down(std::chrono::nanoseconds grace);

 private:
  std::unique_ptr<grpc::Server> server_;
  std::uint16_t port_ = 0;
};

}  // namespace lgen::server
