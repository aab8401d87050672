// What other modules use of lgen.json.
// Thread: the loop's.
#pragma once

#include <lua.hpp>
#include <string>
#include <string_view>

#include "lgen/error.h"

namespace lgen::lua {

/// The value at absolute index `index` as JSON text, as lgen.json.encode writes it. Leaves the stack as it was.
Result<std::string> json_text(lua_State* L, int index);

/// What lgen.json.decode returns: the value, or nil and what is wrong with the text.
int decode_json(lua_State* L, std::string_view text);

/// Pushes the value that the JSON text stands for, as lgen.json.decode does. The text is known to be JSON.
void push_json_text(lua_State* L, std::string_view text);

}  // namespace lgen::lua
