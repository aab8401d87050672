// `lgen check`: loads and lints a plan and runs one iteration of every scenario against a null transport on a manual
// clock: no network, no waiting.
// Thread: the calling thread runs the loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lgen/error.h"
#include "lgen/grpc.h"
#include "lgen/plan.h"

namespace lgen {

/// A channel without a network: always READY; every call is answered OK with a default-valued message, every stream
/// one receives from yields one such message; the backend is "null".
std::unique_ptr<GrpcChannel> make_null_channel(Loop& loop, const std::string& target);

struct CheckReport {
  std::string name;                    // of the plan
  std::vector<std::string> scenarios;  // each ran one iteration
  /// "file:line: what", where an iteration (or setup) was left, because what follows depends on what a server tells of
  /// its types.
  std::vector<std::string> untried;
};

/// The error's message is ready to print, "file:line: what"; several findings are several lines.
Result<CheckReport> check_plan(PlanInput input);

}  // namespace lgen
