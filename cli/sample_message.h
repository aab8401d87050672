// A message type as a Lua table to start from: every field, a sample value, the type as a comment.
// Thread: pure function.
#pragma once

#include <string>
#include <vector>

#include "lgen/message_plan.h"
#include "script_text.h"

namespace lgen::cli {

/// Of a oneof the first member stands there, the others in its comment. Fields in which a type comes round to itself,
/// those of type Any, and extensions are left out; the first two are named in `left_out`, "a.b (pkg.Type)".
LuaValue sample_of(const MessagePlan& plan, std::vector<std::string>& left_out);

}  // namespace lgen::cli
