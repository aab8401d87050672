// The plan that `lgen new` writes: short, commented, and running as it is.
// Thread: pure function.
#pragma once

#include <string>

#include "lgen/schema.h"
#include "script_text.h"

namespace lgen::cli {

/// `file`: the plan's name in its own comments. `schema`: what lgen.proto takes.
std::string write_starter_plan(const std::string& file, const MethodInfo& method, const LuaValue& schema);

}  // namespace lgen::cli
