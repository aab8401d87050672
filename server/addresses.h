// Turns --bind and the ports into addresses to listen on, and says why one cannot be used.
//
// *Thread:* any.
#pragma once

#include <cstdint>
#include <string>

#include "options.h"

namespace lgen::server {

// "127.0.0.1:50051", "[::]:50051".
std::string grpc_address(const Options& options, std::uint16_t port);

// "0.0.0.0:9464"; always IPv4, see --bind.
std::string http_address(const Options& options, std::uint16_t port);

// "cannot listen for gRPC on 127.0.0.1:50051: Address already in use; ... --grpc-port ..."
std::string cannot_listen(const std::string& what, const std::string& address, const std::string& flag);

// Connects and hangs up at once.
void knock(const std::string& address);

}  // namespace lgen::server
