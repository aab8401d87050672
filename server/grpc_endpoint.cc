#include "grpc_endpoint.h"

#include <grpcpp/server_builder.h>

#include <algorithm>
#include <climits>
#include <stdexcept>

#include "addresses.h"
#include "tls.h"

namespace lgen::server {
namespace {

int milliseconds(std::chrono::nanoseconds time) {
  // INT_MAX is gRPC's "never".
  return static_cast<int>(std::clamp<std::int64_t>(time / std::chrono::milliseconds(1), 1, INT_MAX));
}

void set_arguments(grpc::ServerBuilder& builder, const Options& options) {
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, milliseconds(options.max_connection_age));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, milliseconds(options.max_connection_age_grace));
  // Two servers on one port would share its connections unseen; a port in use must be an error.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
}

}  // namespace

GrpcEndpoint::GrpcEndpoint(const Options& options, const std::vector<grpc::Service*>& services,
                           grpc::CallbackGenericService& fallback) {
  grpc::ServerBuilder builder;
  set_arguments(builder, options);
  const auto credentials = make_credentials(options);
  int port = 0;
  int hello_port = 0;
  builder.AddListeningPort(grpc_address(options, options.grpc_port), credentials, &port);
  if (options.hello_port) {
    builder.AddListeningPort(grpc_address(options, *options.hello_port), credentials, &hello_port);
  }
  for (grpc::Service* service : services) builder.RegisterService(service);
  builder.RegisterCallbackGenericService(&fallback);
  server_ = builder.BuildAndStart();
  if (port == 0)
    throw std::runtime_error(cannot_listen("gRPC", grpc_address(options, options.grpc_port), "--grpc-port"));
  if (options.hello_port && hello_port == 0) {
    throw std::runtime_error(cannot_listen("gRPC", grpc_address(options, *options.hello_port), "--hello-port"));
  }
  if (!server_) throw std::runtime_error("gRPC did not start; run again with GRPC_VERBOSITY=INFO for its own words");
  port_ = static_cast<std::uint16_t>(port);
}

void GrpcEndpoint::shut_down(std::chrono::nanoseconds grace) {
  using Clock = std::chrono::system_clock;
  server_->Shutdown(Clock::now() + std::chrono::duration_cast<Clock::duration>(grace));
  server_->Wait();
}

}  // namespace lgen::server
