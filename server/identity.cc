#include "identity.h"

#include <charconv>

namespace lgen::server {

constexpr const char kAttemptsHeader[] = "grpc-previous-rpc-attempts";

template <typename Add>
void Identity::each(const grpc::CallbackServerContext& context, Add add) const {
  add("x-backend", pod);
  if (!zone.empty()) add("x-zone", zone);
  add("x-version", version);
  add(kAttemptsHeader, std::to_string(previous_attempts(context)));
}

void Identity::attach(grpc::CallbackServerContext& context) const {
  each(context, [&](const char* key, const std::string& value) { context.AddInitialMetadata(key, value); });
}

void Identity::attach_to_failure(grpc::CallbackServerContext& context) const {
  each(context, [&](const char* key, const std::string& value) { context.AddTrailingMetadata(key, value); });
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
