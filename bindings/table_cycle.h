// Finds where a Lua table contains itself, for the error message.
// Thread: the loop's.
#pragma once

#include <lua.hpp>
#include <optional>
#include <string>

namespace lgen::lua {

inline constexpr const char* kContainsItself = "a table that contains itself";

/// The shortest path from the table at `index` to one that lies inside itself, ".parent.children[2]"; nothing when
/// there is none, or none within a bounded search. Metatables have no say.
std::optional<std::string> find_cycle(lua_State* L, int index);

}  // namespace lgen::lua
