// Makes the gRPC server's credentials, and explains files that do not fit before gRPC sees them.
//
// *Thread:* start-up only.
#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "options.h"

namespace lgen::server {

// Plaintext without --tls-cert. Throws std::runtime_error naming the file, the flag and what is wrong.
std::shared_ptr<grpc::ServerCredentials> make_credentials(const Options& options);

}  // namespace lgen::server
