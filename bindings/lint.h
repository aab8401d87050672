// Looks at the bytecode of plan code before it runs: a global that is written, or read but not Lua's own, is a typo.
// Thread: the loop's.
#pragma once

#include <lua.hpp>

#include "lgen/error.h"

namespace lgen::lua {

/// Checks the Lua function at `index` and all functions inside it. The error lists every finding, a line each:
/// "plans/x.lua:12: writes global 'cout'; add 'local'".
Outcome lint_chunk(lua_State* L, int index);

/// Modules found by require are linted too: a finding raises in require.
void install_lint_for_require(lua_State* L);

}  // namespace lgen::lua
