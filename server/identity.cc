#include "identity.h"

#include <charconv>

namespace lgen::server {

constexpr const char kAttemptsHeader[] = "grpc-previous-rpc-attempts";

void Identity::attach(grpc::CallbackServerContext& context) const {
  context.AddInitialMetadata("x-backend", pod);
  if (!zone.empty()) context.AddInitialMetadata("x-zone", zone);
  context.AddInitialMetadata("x-version", version);
  context.AddInitialMetadata(kAttemptsHeader, std::to_string(previous_attempts(context)));
}

std::uint32_t previous_attempts(const grpc::CallbackServerContext& context) {
  const auto found = context.client_metadata().find(kAttemptsHeader);
  std::uint32_t attempts = 0;
  if (found != context.client_metadata().end()) {
    std::from_chars(found->second.begin(), found->second.end(), attempts);
  }
  return attempts;
}

}  // namespace lgen::server
