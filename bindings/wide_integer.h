// 64-bit integers in Lua: numbers up to 2^53, where doubles are exact, and int64_t or uint64_t cdata beyond.
//
// Thread: the loop's.
#pragma once

#include <cstdint>
#include <lua.hpp>

namespace lgen::lua {

inline constexpr int kTypeCdata = 10;                 // LuaJIT's LUA_TCDATA, in no public header
inline constexpr double kExact = 9007199254740992.0;  // 2^53

/// A whole number as Lua has it: a sign and a magnitude, so that int64 and uint64 both fit.
struct Whole {
  bool negative = false;
  std::uint64_t magnitude = 0;
};

void push_integer(lua_State* L, std::int64_t value);
void push_integer(lua_State* L, std::uint64_t value);

/// The int64_t or uint64_t at `index`; false: cdata of another kind, or no cdata.
bool read_integer(lua_State* L, int index, Whole& value);

}  // namespace lgen::lua
