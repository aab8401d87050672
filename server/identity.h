// Who this server is, and the headers that say so in every reply.
//
// *Thread:* a plain value; read-only once the server runs.
#pragma once

#include <grpcpp/server_context.h>

#include <cstdint>
#include <string>

#include "options.h"

namespace lgen::server {

struct Identity {
  std::string pod;
  std::string zone;  // empty: no header
  std::string version;

  explicit Identity(const Options& options) : pod(options.pod), zone(options.zone), version(options.app_version) {}

  // x-backend, x-zone, x-version, and grpc-previous-rpc-attempts as it came (0 when it did not): as headers.
  void attach(grpc::CallbackServerContext& context) const;
  // The same as trailers, for a call that fails at once: headers would forbid the caller's library to retry it.
  void attach_to_failure(grpc::CallbackServerContext& context) const;

 private:
  template <typename Add>
  void each(const grpc::CallbackServerContext& context, Add add) const;
};

// How often the caller's library has tried this call before; 0 when it does not say.
std::uint32_t previous_attempts(const grpc::CallbackServerContext& context);

}  // namespace lgen::server
