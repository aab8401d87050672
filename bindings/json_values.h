// What JSON has and Lua has not: null, and lists that are lists even when they are empty.
//
// lgen.null is a light userdata. lgen.array{...} is an ordinary table with a mark in its metatable; decoded JSON arrays
// and ListValues have it, so that an empty one goes back as it came.
//
// Thread: the loop's.
#pragma once

#include <lua.hpp>

namespace lgen::lua {

void push_null(lua_State* L);
bool is_null(lua_State* L, int index);

/// Marks the table at the top of the stack. It must have no metatable of its own.
void mark_array(lua_State* L);
bool is_array(lua_State* L, int index);

/// Sets the mark in a metatable, at the top of the stack.
void mark_array_metatable(lua_State* L);

}  // namespace lgen::lua
