// What other modules use of lgen.json.
// Thread: the loop's.
#pragma once

#include <lua.hpp>
#include <string>

#include "lgen/error.h"

namespace lgen::lua {

/// The value at absolute index `index` as JSON text, as lgen.json.encode writes it. Leaves the stack as it was.
Result<std::string> json_text(lua_State* L, int index);

}  // namespace lgen::lua
