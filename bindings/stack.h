// Typed access to Lua values and objects, strict: a wrong type raises at the plan's line and names what came instead.
// Thread: the loop's.
// Subtleness ahead: raise() leaves by lua_error. Check arguments before making anything with a destructor.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <lua.hpp>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lgen/error.h"
#include "lgen/time.h"

namespace lgen::lua {

struct Host;
struct Module;

/// "plans/x.lua:21: " of the innermost frame that is plan code (lgen's own Lua and C frames are skipped), or "".
std::string where(lua_State* L);

/// Raises `message` behind the plan's file:line.
[[noreturn]] void raise(lua_State* L, std::string_view message);

/// Where an error is said to be when no line of the plan is on the stack (behind a tail call); "": nowhere. `find`
/// outlives the Lua state.
using FallbackPlace = std::function<std::string(lua_State*)>;
void set_fallback_place(lua_State* L, const FallbackPlace& find);

/// The Host is the first upvalue of every binding.
inline Host& host_of(lua_State* L) { return *static_cast<Host*>(lua_touserdata(L, lua_upvalueindex(1))); }

/// What a value looks like in an error message: `string "3"`, `number 1.5`, `table`, `nil`.
std::string describe(lua_State* L, int index);

inline void push(lua_State* L, std::string_view text) { lua_pushlstring(L, text.data(), text.size()); }
std::string_view to_view(lua_State* L, int index);  // of a string value; valid while it is on the stack

// Arguments. `what` names the function or key in messages: "lgen.sleep", "lgen.grpc.pool \"main\": size".
double check_number(lua_State* L, int index, std::string_view what);
std::int64_t check_integer(lua_State* L, int index, std::string_view what, std::int64_t min, std::int64_t max);
bool check_boolean(lua_State* L, int index, std::string_view what);
std::string_view check_string(lua_State* L, int index, std::string_view what);
void check_table(lua_State* L, int index, std::string_view what);
void check_function(lua_State* L, int index, std::string_view what);
/// Seconds as a number, or "250ms"; never negative.
Duration check_duration(lua_State* L, int index, std::string_view what);
/// `now + wait`, or kNever where that lies beyond all time (a plan's math.huge).
inline TimePoint later(TimePoint now, Duration wait) { return wait >= kNever - now ? kNever : now + wait; }
/// Bytes as a number, or "64KiB".
std::uint64_t check_size(lua_State* L, int index, std::string_view what);

/// One allowed key of an options table, or a field of a table that plans get; all but the name go into lgen.d.lua.
struct Key {
  const char* name;
  const char* type;
  const char* doc;
  bool always = false;  // must be given, or is always there
};
/// An options table with its name in lgen.d.lua, e.g. "lgen.ChannelOptions".
struct KeySet {
  const char* name;
  std::span<const Key> keys;
};

/// Raises on the first key of the table that is not in `keys` (or not a string), with a did-you-mean.
void check_keys(lua_State* L, int index, std::string_view what, std::span<const Key> keys);
/// Raises when `index` is not a table, else as check_keys.
void check_options(lua_State* L, int index, std::string_view what, const KeySet& keys);

/// Pushes table[key] (raw); true when it is not nil, else nothing is pushed.
bool get_field(lua_State* L, int table, const char* key);
/// Runs `read(absolute index)` on table[key] when it is there; whether it was.
template <class Read>
bool with_field(lua_State* L, int table, const char* key, Read read) {
  if (!get_field(L, table, key)) return false;
  read(lua_gettop(L));
  lua_pop(L, 1);
  return true;
}
// Typed optional fields; `what` is prefixed to the key in messages.
std::optional<double> number_field(lua_State* L, int table, const char* key, std::string_view what);
std::optional<std::int64_t> integer_field(lua_State* L, int table, const char* key, std::string_view what,
                                          std::int64_t min, std::int64_t max);
std::optional<bool> boolean_field(lua_State* L, int table, const char* key, std::string_view what);
std::optional<std::string> string_field(lua_State* L, int table, const char* key, std::string_view what);
std::optional<Duration> duration_field(lua_State* L, int table, const char* key, std::string_view what);
std::optional<std::uint64_t> size_field(lua_State* L, int table, const char* key, std::string_view what);

/// A list of strings, or a single one.
std::vector<std::string> string_list_field(lua_State* L, int table, const char* key, std::string_view what);

/// One C++ type that plans hold as userdata. Its address is its identity, its metatable lies in the registry under it.
struct ObjectType {
  const char* name;  // "lgen.Channel", the class in lgen.d.lua
};

/// Memory layout of every userdata of ours.
template <class T>
struct Box {
  const ObjectType* type;
  T value;
};

/// Makes a userdata holding a T(args...); T::kType names it. __gc destroys it.
template <class T, class... Args>
T& push_object(lua_State* L, Args&&... args) {
  void* memory = lua_newuserdata(L, sizeof(Box<T>));
  auto* box = new (memory) Box<T>{&T::kType, T(std::forward<Args>(args)...)};
  lua_pushlightuserdata(L, const_cast<ObjectType*>(&T::kType));
  lua_rawget(L, LUA_REGISTRYINDEX);
  lua_setmetatable(L, -2);
  return box->value;
}

/// The T at `index`, or null when it is something else.
template <class T>
T* test_object(lua_State* L, int index) {
  auto* box = static_cast<Box<T>*>(lua_touserdata(L, index));  // null: no userdata; a light one has no length
  if (!box || lua_objlen(L, index) < sizeof(Box<T>)) return nullptr;
  return box->type == &T::kType ? &box->value : nullptr;
}

[[noreturn]] void raise_wrong_object(lua_State* L, int index, const ObjectType& wanted, std::string_view what);

/// `what`: the method as plans write it, "ch:call".
template <class T>
T& check_object(lua_State* L, int index, std::string_view what) {
  if (T* object = test_object<T>(L, index)) return *object;
  raise_wrong_object(L, index, T::kType, what);
}

template <class T>
int collect_object(lua_State* L) {
  static_cast<Box<T>*>(lua_touserdata(L, 1))->value.~T();
  return 0;
}

}  // namespace lgen::lua
