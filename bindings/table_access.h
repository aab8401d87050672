// What the codec keeps in a Lua state: the names of fields and enum values as Lua strings, and for each message type
// functions that take a table apart and put one together.
//
// A field of a table costs three calls of Lua's C API, each of which finds out again what is where. A Lua function that
// has the names as constants does a whole message for the price of about four of them. So there is one for each
// message type, made when the type is first met: `take` returns the number of keys and the values of (up to) kGroup
// fields, `make` is called with the values of all fields and returns the table. They are never compiled: a call from C
// starts no trace.
//
// Thread: the loop's. Lifetime: of the Lua state.
#pragma once

#include <cstdint>
#include <lua.hpp>
#include <vector>

#include "lgen/message_plan.h"

namespace lgen::lua {

class TableAccess {
 public:
  static constexpr std::uint32_t kGroup = 32;  // fields that one `take` returns
  static constexpr std::uint32_t kMost = 64;   // fields of a message that `make` is used for

  static std::uint32_t last_group(const MessagePlan& plan) {
    return plan.fields.empty() ? 0 : static_cast<std::uint32_t>(plan.fields.size() - 1) / kGroup;
  }

  /// Pushes the array of all that is kept, complete for the plan and what it refers to. Returns its stack index.
  int push(lua_State* L, const MessagePlan& plan) {
    luaL_checkstack(L, LUA_MINSTACK, "no room to read or write a message");
    if (plan.key >= known_.size() || !known_[plan.key]) learn(L, plan);
    lua_rawgeti(L, LUA_REGISTRYINDEX, array_);
    return lua_gettop(L);
  }

  /// The same for a plan met on the way (what is in an Any), with the array on the stack already.
  void also(lua_State* L, const MessagePlan& plan) {
    if (plan.key >= known_.size() || !known_[plan.key]) learn(L, plan);
  }

  /// function(table) -> number of keys (of the last group only), values ...; `raw`: reads past a metatable.
  static void push_take(lua_State* L, int array, const MessagePlan& plan, std::uint32_t group, bool raw) {
    const std::uint32_t key = plan.key + 1 + 2 * group + (raw ? 1 : 0);
    lua_rawgeti(L, array, static_cast<int>(key));
    if (lua_type(L, -1) != LUA_TFUNCTION) build_take(L, array, plan, group, raw);
  }

  /// function(values ...) -> table
  static void push_make(lua_State* L, int array, const MessagePlan& plan) {
    lua_rawgeti(L, array, static_cast<int>(plan.key));
    if (lua_type(L, -1) != LUA_TFUNCTION) build_make(L, array, plan);
  }

  /// Of a field or an enum value, by its key.
  static void push_name(lua_State* L, int array, std::uint32_t key) { lua_rawgeti(L, array, static_cast<int>(key)); }

 private:
  void learn(lua_State* L, const MessagePlan& plan);
  void add(lua_State* L, int array, const MessagePlan& plan);
  static void build_take(lua_State* L, int array, const MessagePlan& plan, std::uint32_t group, bool raw);
  static void build_make(lua_State* L, int array, const MessagePlan& plan);

  int array_ = LUA_NOREF;    // [field.key] = name, [value.key] = name, [plan.key ...] = functions, or false
  std::vector<bool> known_;  // by plan.key
};

}  // namespace lgen::lua
