// The one list of everything a plan can call: what lua_State gets at start-up and what meta/lgen.d.lua says are both
// made from it.
// Thread: constant data.
#pragma once

#include <lua.hpp>
#include <span>

#include "stack.h"

namespace lgen::lua {

/// One function, method or value.
struct Binding {
  const char* name;
  lua_CFunction function;  // null: a property of an object, or defined in Lua (lua/prelude.lua)
  const char* type;        // LuaLS type, e.g. "fun(seconds: lgen.Seconds)"
  const char* doc;         // one line; begins with the marks of what it may do: [Y] yield [R] raise [E] nil, err
};

/// A table of functions ("lgen", "lgen.grpc") or a class of objects ("lgen.Channel").
struct Module {
  const char* name;
  const char* doc;
  std::span<const Binding> bindings;
  std::span<const KeySet> option_tables = {};
  const ObjectType* object = nullptr;  // set: a class
  lua_CFunction collect = nullptr;     // classes: __gc
  lua_CFunction property = nullptr;    // classes: called as (self, name) for what is no method; must push one value
                                       // and return 1, or return 0 when there is no such property
  lua_CFunction length = nullptr;      // classes: __len
  lua_CFunction tostring = nullptr;    // classes: __tostring
};

/// All modules, parents before children. Defined in registry.cc from the modules' own constants.
std::span<const Module* const> all_modules();

/// Fills package.preload.lgen and makes every class's metatable. Unknown names raise with a did-you-mean.
void install_modules(lua_State* L, Host& host);

/// The text of meta/lgen.d.lua.
std::string render_meta();

}  // namespace lgen::lua
