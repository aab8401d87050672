// What an EchoRequest asks for: how long to wait, whether to fail, what to send back.
//
// *Thread:* pure functions; `chance` is a number drawn uniformly from [0, 1).
#pragma once

#include <grpcpp/support/status.h>

#include <chrono>
#include <string>

#include "echo.pb.h"

namespace lgen::server {

// INVALID_ARGUMENT, naming the field, for a request that asks for something impossible; else OK.
grpc::Status check_echo(const echo::EchoRequest& request);

std::chrono::nanoseconds echo_wait(const echo::EchoRequest& request, double chance);

grpc::Status echo_outcome(const echo::EchoRequest& request, double chance);

std::string echo_payload(const echo::EchoRequest& request);

}  // namespace lgen::server
