// The two ways out of a loading plan that are not the plan's fault: --help has seen enough, and the command line does
// not fit what the plan declares (said without a file:line: it is the user's line, not the plan's).
// Thread: the loop's.
#pragma once

#include <lua.hpp>
#include <string_view>

namespace lgen::lua {

[[noreturn]] void raise_stop_for_help(lua_State* L);
[[noreturn]] void raise_usage(lua_State* L, std::string_view message);

/// True when the error value at `index` is the one of raise_stop_for_help.
bool is_stop_for_help(lua_State* L, int index);

}  // namespace lgen::lua
