// Names of gRPC's codes and states, and the look-up in headers.
#include <array>

#include "lgen/grpc.h"

namespace lgen {

std::string_view to_string(GrpcCode code) {
  static constexpr std::array<std::string_view, kGrpcCodes> kNames = {
      "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
      "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
      "DATA_LOSS", "UNAUTHENTICATED"};
  const auto index = static_cast<std::size_t>(code);
  return index < kNames.size() ? kNames[index] : "UNKNOWN";
}

std::string_view to_string(ChannelState state) {
  switch (state) {
    case ChannelState::idle:
      return "IDLE";
    case ChannelState::connecting:
      return "CONNECTING";
    case ChannelState::ready:
      return "READY";
    case ChannelState::transient_failure:
      return "TRANSIENT_FAILURE";
    case ChannelState::shutdown:
      break;
  }
  return "SHUTDOWN";
}

std::optional<std::string_view> find_header(const MetadataView& headers, std::string_view key) {
  for (const auto& [name, value] : headers) {
    if (name == key) return value;
  }
  return std::nullopt;
}

}  // namespace lgen
