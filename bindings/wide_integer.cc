#include "wide_integer.h"

#include <cstring>

namespace lgen::lua {
namespace {

/// Their addresses are keys in the registry.
constexpr char kInt64Type = 0;     // constructor of int64_t
constexpr char kUint64Type = 0;    // constructor of uint64_t
constexpr char kIntegerClass = 0;  // function(cdata) -> 1 int64_t, 2 uint64_t, 0 something else

void push_registered(lua_State* L, const char& key) {
  lua_pushlightuserdata(L, const_cast<char*>(&key));
  lua_rawget(L, LUA_REGISTRYINDEX);
}

void register_top(lua_State* L, const char& key) {
  lua_pushlightuserdata(L, const_cast<char*>(&key));
  lua_insert(L, -2);
  lua_rawset(L, LUA_REGISTRYINDEX);
}

void push_ffi(lua_State* L) {
  lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
  lua_getfield(L, -1, LUA_FFILIBNAME);
  lua_remove(L, -2);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  lua_pushcfunction(L, luaopen_ffi);
  lua_pushliteral(L, LUA_FFILIBNAME);
  lua_call(L, 1, 1);
}

/// Pushes one of the three helpers above. They come from Lua: the C API can neither make cdata nor tell its kinds.
void push_helper(lua_State* L, const char& which) {
  push_registered(L, which);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  luaL_loadstring(L,
                  "local ffi = ...\n"
                  "local i, u, is = ffi.typeof('int64_t'), ffi.typeof('uint64_t'), ffi.istype\n"
                  "return i, u, function(v) return is(i, v) and 1 or is(u, v) and 2 or 0 end\n");
  push_ffi(L);
  lua_call(L, 1, 3);
  register_top(L, kIntegerClass);
  register_top(L, kUint64Type);
  register_top(L, kInt64Type);
  push_registered(L, which);
}

void push_cdata(lua_State* L, const char& which, std::uint64_t bits) {
  luaL_checkstack(L, 8, "no room for a 64-bit integer");
  push_helper(L, which);
  lua_call(L, 0, 1);
  std::memcpy(const_cast<void*>(lua_topointer(L, -1)), &bits, sizeof bits);
}

}  // namespace

void push_integer(lua_State* L, std::int64_t value) {
  constexpr auto kLimit = static_cast<std::int64_t>(kExact);
  if (value >= -kLimit && value <= kLimit) return lua_pushnumber(L, static_cast<double>(value));
  push_cdata(L, kInt64Type, static_cast<std::uint64_t>(value));
}

void push_integer(lua_State* L, std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(kExact)) return lua_pushnumber(L, static_cast<double>(value));
  push_cdata(L, kUint64Type, value);
}

bool read_integer(lua_State* L, int index, Whole& value) {
  if (lua_type(L, index) != kTypeCdata) return false;
  luaL_checkstack(L, 8, "no room for a 64-bit integer");
  lua_pushvalue(L, index);
  push_helper(L, kIntegerClass);
  lua_pushvalue(L, -2);
  lua_call(L, 1, 1);
  const auto kind = static_cast<int>(lua_tonumber(L, -1));
  std::uint64_t bits = 0;
  if (kind != 0) std::memcpy(&bits, lua_topointer(L, -2), sizeof bits);
  lua_pop(L, 2);
  value.negative = kind == 1 && static_cast<std::int64_t>(bits) < 0;
  value.magnitude = value.negative ? 0 - bits : bits;
  return kind != 0;
}

}  // namespace lgen::lua
