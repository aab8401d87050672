// JSON as people write messages and metadata, as the Lua tables that plans are written with.
// Thread: pure functions.
#pragma once

#include <string_view>
#include <vector>

#include "lgen/error.h"
#include "lgen/message_plan.h"
#include "lgen/schema.h"
#include "script_text.h"

namespace lgen::cli {

/// A table, and whether a template value makes it another one for every call.
struct LuaTable {
  LuaValue value;
  bool varies = false;
  bool fits = false;  // its expressions need `fit` (fitted_values.h)
};

/// One object, or an array of them. Field names as in the .proto file or as in JSON (lowerCamelCase); 64-bit integers
/// also as strings, bytes as base64, enums by name or number. `what` goes in front of an error, with the field's path.
Result<std::vector<LuaTable>> messages_of(std::string_view what, std::string_view json, const MethodInfo& method);

/// An object of strings; names in lower case, values of `-bin` names in base64.
Result<LuaTable> metadata_of(std::string_view what, std::string_view json, const MethodInfo& method);

}  // namespace lgen::cli
