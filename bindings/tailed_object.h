// Userdata with bytes of variable length behind the object: one allocation, nothing to destroy.
// Thread: the loop's.
#pragma once

#include <lua.hpp>
#include <type_traits>

#include "stack.h"

namespace lgen::lua {

/// As push_object, with room for `size` bytes behind the T; tail_of() finds them.
template <class T>
T& push_tailed_object(lua_State* L, const T& value, std::size_t size) {
  static_assert(std::is_trivially_destructible_v<T> && std::is_trivially_copyable_v<T>);
  auto* box = new (lua_newuserdata(L, sizeof(Box<T>) + size)) Box<T>{&T::kType, value};
  lua_pushlightuserdata(L, const_cast<ObjectType*>(&T::kType));
  lua_rawget(L, LUA_REGISTRYINDEX);
  lua_setmetatable(L, -2);
  return box->value;
}

template <class T>
char* tail_of(T& object) {
  static_assert(sizeof(Box<T>) == offsetof(Box<T>, value) + sizeof(T));
  return reinterpret_cast<char*>(&object + 1);
}
template <class T>
const char* tail_of(const T& object) {
  return tail_of(const_cast<T&>(object));
}

}  // namespace lgen::lua
