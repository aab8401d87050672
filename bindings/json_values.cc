#include "json_values.h"

#include "modules.h"
#include "stack.h"

namespace lgen::lua {
namespace {

constexpr char kNull = 0;            // its address is lgen.null
constexpr char kArray = 0;           // ... the mark in a metatable
constexpr char kArrayMetatable = 0;  // ... the key in the registry of the usual one

void push_array_metatable(lua_State* L) {
  lua_pushlightuserdata(L, const_cast<char*>(&kArrayMetatable));
  lua_rawget(L, LUA_REGISTRYINDEX);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 2);
  mark_array_metatable(L);
  lua_pushliteral(L, "lgen.array");
  lua_setfield(L, -2, "__metatable");  // hands off: getmetatable() gives the name
  lua_pushlightuserdata(L, const_cast<char*>(&kArrayMetatable));
  lua_pushvalue(L, -2);
  lua_rawset(L, LUA_REGISTRYINDEX);
}

int array(lua_State* L) {
  if (lua_isnoneornil(L, 1)) {
    lua_settop(L, 0);
    lua_newtable(L);
  }
  check_table(L, 1, "lgen.array");
  lua_settop(L, 1);
  if (is_array(L, 1)) return 1;
  if (lua_getmetatable(L, 1) != 0) raise(L, "lgen.array: a table without a metatable expected");
  mark_array(L);
  return 1;
}

constexpr Binding kBindings[] = {
    {"null", nullptr, "lightuserdata", "JSON's null, as in lgen.json and in google.protobuf.Value."},
    {"array", array, "fun(list: any[]?): any[]",
     "[R] Marks a table as a list, which matters where it is empty: lgen.array{} is [] in JSON, {} is {}."},
};

}  // namespace

void push_null(lua_State* L) { lua_pushlightuserdata(L, const_cast<char*>(&kNull)); }
bool is_null(lua_State* L, int index) { return lua_touserdata(L, index) == &kNull; }

void mark_array(lua_State* L) {
  push_array_metatable(L);
  lua_setmetatable(L, -2);
}

bool is_array(lua_State* L, int index) {
  if (lua_getmetatable(L, index) == 0) return false;
  lua_pushlightuserdata(L, const_cast<char*>(&kArray));
  lua_rawget(L, -2);
  const bool marked = lua_toboolean(L, -1) != 0;
  lua_pop(L, 2);
  return marked;
}

void mark_array_metatable(lua_State* L) {
  lua_pushlightuserdata(L, const_cast<char*>(&kArray));
  lua_pushboolean(L, 1);
  lua_rawset(L, -3);
}

const Module kJsonValuesModule{.name = "lgen", .doc = "", .bindings = kBindings};

}  // namespace lgen::lua
