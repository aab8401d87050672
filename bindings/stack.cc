#include "stack.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "json_values.h"
#include "lgen/units.h"

namespace lgen::lua {
namespace {

/// lgen's own Lua chunks are named "=lgen/..."; plan code is "@path".
bool is_plan_frame(const lua_Debug& frame) { return frame.currentline > 0 && frame.source[0] == '@'; }

[[noreturn]] void raise_expected(lua_State* L, int index, std::string_view what, std::string_view expected) {
  raise(L, fmt::format("{}: {} expected, got {}", what, expected, describe(L, index)));
}

template <class T, class Check>
std::optional<T> field(lua_State* L, int table, const char* key, Check check) {
  if (!get_field(L, table, key)) return std::nullopt;
  std::optional<T> value{T(check(-1))};
  lua_pop(L, 1);
  return value;
}

constexpr char kPlaceKey = 0;  // in the registry

/// What whoever owns the Lua state knows of where L is, "" when that is nothing.
std::string fallback_place(lua_State* L) {
  lua_pushlightuserdata(L, const_cast<char*>(&kPlaceKey));
  lua_rawget(L, LUA_REGISTRYINDEX);
  const auto* find = static_cast<const FallbackPlace*>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  return find != nullptr ? (*find)(L) : "";
}

std::string key_of(std::string_view what, const char* key) { return fmt::format("{}: {}", what, key); }

}  // namespace

std::string where(lua_State* L) {
  lua_Debug frame;
  for (int level = 0; lua_getstack(L, level, &frame); ++level) {
    lua_getinfo(L, "Sl", &frame);
    if (is_plan_frame(frame)) return fmt::format("{}:{}: ", frame.source + 1, frame.currentline);
  }
  return "";
}

void set_fallback_place(lua_State* L, const FallbackPlace& find) {
  lua_pushlightuserdata(L, const_cast<char*>(&kPlaceKey));
  lua_pushlightuserdata(L, const_cast<FallbackPlace*>(&find));
  lua_rawset(L, LUA_REGISTRYINDEX);
}

void raise(lua_State* L, std::string_view message) {
  {
    std::string place = where(L);
    if (place.empty()) place = fallback_place(L);
    const std::string text = place.append(message);
    push(L, text);
  }
  lua_error(L);
  __builtin_unreachable();
}

std::string describe(lua_State* L, int index) {
  switch (lua_type(L, index)) {
    case LUA_TSTRING: {
      const std::string_view text = to_view(L, index);
      return text.size() <= 40 ? fmt::format("string \"{}\"", text) : fmt::format("string of {} bytes", text.size());
    }
    case LUA_TNUMBER:
      return fmt::format("number {:.14g}", lua_tonumber(L, index));
    case LUA_TBOOLEAN:
      return lua_toboolean(L, index) ? "boolean true" : "boolean false";
    case LUA_TNONE:
      return "nothing";
    case LUA_TLIGHTUSERDATA:
      return is_null(L, index) ? "lgen.null" : luaL_typename(L, index);
    default:
      return luaL_typename(L, index);
  }
}

std::string_view to_view(lua_State* L, int index) {
  std::size_t size = 0;
  const char* text = lua_tolstring(L, index, &size);
  return {text, size};
}

double check_number(lua_State* L, int index, std::string_view what) {
  if (lua_type(L, index) != LUA_TNUMBER) raise_expected(L, index, what, "number");
  return lua_tonumber(L, index);
}

std::int64_t check_integer(lua_State* L, int index, std::string_view what, std::int64_t min, std::int64_t max) {
  const double value = check_number(L, index, what);
  if (value != std::floor(value)) raise_expected(L, index, what, "whole number");
  if (value < static_cast<double>(min) || value > static_cast<double>(max)) {
    raise(L, fmt::format("{}: {:.14g} is out of range ({}..{})", what, value, min, max));
  }
  return static_cast<std::int64_t>(value);
}

bool check_boolean(lua_State* L, int index, std::string_view what) {
  if (lua_type(L, index) != LUA_TBOOLEAN) raise_expected(L, index, what, "boolean");
  return lua_toboolean(L, index) != 0;
}

std::string_view check_string(lua_State* L, int index, std::string_view what) {
  if (lua_type(L, index) != LUA_TSTRING) raise_expected(L, index, what, "string");
  return to_view(L, index);
}

void check_table(lua_State* L, int index, std::string_view what) {
  if (lua_type(L, index) != LUA_TTABLE) raise_expected(L, index, what, "table");
}

void check_function(lua_State* L, int index, std::string_view what) {
  if (lua_type(L, index) != LUA_TFUNCTION) raise_expected(L, index, what, "function");
}

Duration check_duration(lua_State* L, int index, std::string_view what) {
  if (lua_type(L, index) == LUA_TNUMBER) {
    const double seconds = lua_tonumber(L, index);
    if (!(seconds >= 0)) raise(L, fmt::format("{}: a duration is not negative, got {:.14g}", what, seconds));
    return from_seconds(seconds);
  }
  if (lua_type(L, index) != LUA_TSTRING) raise_expected(L, index, what, "duration (seconds or \"250ms\")");
  const auto duration = parse_duration(to_view(L, index));
  if (!duration) raise(L, fmt::format("{}: {}", what, duration.error().message));
  return *duration;
}

std::uint64_t check_size(lua_State* L, int index, std::string_view what) {
  if (lua_type(L, index) == LUA_TNUMBER) {
    return static_cast<std::uint64_t>(check_integer(L, index, what, 0, std::int64_t{1} << 53));
  }
  if (lua_type(L, index) != LUA_TSTRING) raise_expected(L, index, what, "size (bytes or \"64KiB\")");
  const auto size = parse_size(to_view(L, index));
  if (!size) raise(L, fmt::format("{}: {}", what, size.error().message));
  return *size;
}

void check_keys(lua_State* L, int index, std::string_view what, std::span<const Key> keys) {
  const int table = index > 0 ? index : lua_gettop(L) + index + 1;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING) {
      raise(L, fmt::format("{}: options have names, got the key {}", what, describe(L, -1)));
    }
    const std::string_view name = to_view(L, -1);
    bool known = false;
    for (const Key& key : keys) known = known || name == key.name;
    if (known) continue;
    std::vector<std::string_view> names;
    for (const Key& key : keys) names.emplace_back(key.name);
    const std::string_view guess = did_you_mean(name, names);
    raise(L, guess.empty() ? fmt::format("{}: unknown option '{}' (it takes: {})", what, name, fmt::join(names, ", "))
                           : fmt::format("{}: unknown option '{}' (did you mean '{}'?)", what, name, guess));
  }
}

void check_options(lua_State* L, int index, std::string_view what, const KeySet& keys) {
  check_table(L, index, what);
  check_keys(L, index, what, keys.keys);
}

bool get_field(lua_State* L, int table, const char* key) {
  const int absolute = table > 0 ? table : lua_gettop(L) + table + 1;
  lua_pushstring(L, key);
  lua_rawget(L, absolute);
  if (!lua_isnil(L, -1)) return true;
  lua_pop(L, 1);
  return false;
}

std::optional<double> number_field(lua_State* L, int table, const char* key, std::string_view what) {
  return field<double>(L, table, key, [&](int i) { return check_number(L, i, key_of(what, key)); });
}

std::optional<std::int64_t> integer_field(lua_State* L, int table, const char* key, std::string_view what,
                                          std::int64_t min, std::int64_t max) {
  return field<std::int64_t>(L, table, key, [&](int i) { return check_integer(L, i, key_of(what, key), min, max); });
}

std::optional<bool> boolean_field(lua_State* L, int table, const char* key, std::string_view what) {
  return field<bool>(L, table, key, [&](int i) { return check_boolean(L, i, key_of(what, key)); });
}

std::optional<std::string> string_field(lua_State* L, int table, const char* key, std::string_view what) {
  return field<std::string>(L, table, key, [&](int i) { return check_string(L, i, key_of(what, key)); });
}

std::optional<Duration> duration_field(lua_State* L, int table, const char* key, std::string_view what) {
  return field<Duration>(L, table, key, [&](int i) { return check_duration(L, i, key_of(what, key)); });
}

std::optional<std::uint64_t> size_field(lua_State* L, int table, const char* key, std::string_view what) {
  return field<std::uint64_t>(L, table, key, [&](int i) { return check_size(L, i, key_of(what, key)); });
}

std::vector<std::string> string_list_field(lua_State* L, int table, const char* key, std::string_view what) {
  std::vector<std::string> list;
  if (!get_field(L, table, key)) return list;
  if (lua_type(L, -1) == LUA_TTABLE) {
    const auto size = static_cast<int>(lua_objlen(L, -1));
    for (int i = 1; i <= size; ++i) {
      lua_rawgeti(L, -1, i);
      list.emplace_back(check_string(L, -1, fmt::format("{}: {}[{}]", what, key, i)));
      lua_pop(L, 1);
    }
  } else {
    list.emplace_back(check_string(L, -1, fmt::format("{}: {}", what, key)));
  }
  lua_pop(L, 1);
  return list;
}

void raise_wrong_object(lua_State* L, int index, const ObjectType& wanted, std::string_view what) {
  raise(L, fmt::format("{}: {} expected, got {}{}", what, wanted.name, describe(L, index),
                       index == 1 ? "; call methods with ':'" : ""));
}

}  // namespace lgen::lua
