// Whether a gRPC service config can be used: gRPC core takes a wrong one without a word, and its channel is dead.
// Thread: any.
#pragma once

#include <string>

#include "lgen/error.h"

namespace lgen {

/// The error names the place: "service_config: methodConfig[1].retryPolicy.maxAttempts: number expected, got ...".
Outcome check_service_config(const std::string& text);

}  // namespace lgen
