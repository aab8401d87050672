// Message and enum types as annotations of the Lua language server (LuaLS).
// Thread: one at a time per schema.
#pragma once

#include <string>

#include "lgen/schema.h"

namespace lgen::cli {

/// A file of comments: ---@class for every message, ---@alias for every enum. A field with a question mark may be nil
/// in a decoded message, any other is there; in a message to send every field may be left out.
Result<std::string> editor_types(Schema& schema);

}  // namespace lgen::cli
