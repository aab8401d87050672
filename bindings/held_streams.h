// The functions of a scenario whose VUs each hold a stream (lgen.load.held_streams), made of the plan's.
// Thread: the loop's.
#pragma once

#include <lua.hpp>

namespace lgen::lua {

// Arguments and results are references in the registry; LUA_NOREF: the plan has none.

/// One iteration: opens the VU's stream where there is none, and feeds it.
int feed_held(lua_State* L, int open, int run);
/// After a VU's last iteration: closes its stream.
int close_held(lua_State* L, int vu_stop);

}  // namespace lgen::lua
