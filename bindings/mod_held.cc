// What lua/held.lua needs of a VU that holds a stream, and what mod_lgen.cc needs of lua/held.lua.
#include <fmt/format.h>

#include "grpc_stream.h"
#include "held_streams.h"
#include "modules.h"
#include "stack.h"
#include "vu_lua.h"

namespace lgen::lua {
namespace {

constexpr char kFeederKey = 0, kCloserKey = 0;  // in the registry

/// held.stream(vu): what held.keep was given last, or nil.
int stream(lua_State* L) {
  const LuaVu* vu = LuaVu::of_table(L, 1);
  if (!vu) return 0;
  vu->push_held(L);
  return 1;
}

/// "plan.lua:12: ", where the function at `index` stands.
std::string place_of_function(lua_State* L, int index) {
  lua_Debug function;
  lua_pushvalue(L, index);
  lua_getinfo(L, ">S", &function);
  return fmt::format("{}:{}: ", function.source + 1, function.linedefined);
}

/// held.keep(vu, stream, open): from now on the stream ends with the VU, and not with the task that opened it.
int keep(lua_State* L) {
  LuaVu* vu = LuaVu::of_table(L, 1);
  const auto* handle = test_object<StreamHandle>(L, 2);
  if (!handle) {
    push(L, fmt::format("{}open must return the stream that the virtual user holds (ch:open), got {}",
                        place_of_function(L, 3), describe(L, 2)));
    return lua_error(L);
  }
  if (!vu) return 0;
  LuaStream& stream = *handle->stream;
  stream.leave_task();
  stream.retain();
  vu->hold(L, 2, [&stream] {
    stream.cancel("its virtual user is gone");
    stream.release();
  });
  return 0;
}

/// held.offer(feeder, closer): for feed_held() and close_held().
int offer(lua_State* L) {
  for (const auto& [key, index] : {std::pair{&kFeederKey, 1}, std::pair{&kCloserKey, 2}}) {
    lua_pushlightuserdata(L, const_cast<char*>(key));
    lua_pushvalue(L, index);
    lua_rawset(L, LUA_REGISTRYINDEX);
  }
  return 0;
}

/// Calls the function kept under `key` with those of `arguments`; its result's reference.
int made_by(lua_State* L, const char& key, std::initializer_list<int> arguments) {
  lua_pushlightuserdata(L, const_cast<char*>(&key));
  lua_rawget(L, LUA_REGISTRYINDEX);
  for (const int argument : arguments) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, argument == LUA_NOREF ? LUA_REFNIL : argument);
  }
  lua_call(L, static_cast<int>(arguments.size()), 1);
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

constexpr Binding kPrimitives[] = {{"stream", stream, "", ""}, {"keep", keep, "", ""}, {"offer", offer, "", ""}};

}  // namespace

int feed_held(lua_State* L, int open, int run) { return made_by(L, kFeederKey, {open, run}); }

int close_held(lua_State* L, int vu_stop) { return made_by(L, kCloserKey, {vu_stop}); }

const Module kHeldPrimitives{.name = "_held", .doc = "", .bindings = kPrimitives};

}  // namespace lgen::lua
