// lgen.json: Lua tables to JSON and back, by nlohmann-json.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "json_values.h"
#include "mod_json.h"
#include "modules.h"
#include "stack.h"
#include "table_cycle.h"
#include "wide_integer.h"

namespace lgen::lua {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxDepth = 100;
constexpr const char* kNestedTooDeep = "tables nested too deep";

/// Number of entries of a table that is a list 1..n, or nothing.
std::optional<int> list_size(lua_State* L, int table) {
  const auto size = static_cast<int>(lua_objlen(L, table));
  int entries = 0;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    lua_pop(L, 1);
    ++entries;
    if (lua_type(L, -1) != LUA_TNUMBER) {
      lua_pop(L, 1);
      return std::nullopt;
    }
  }
  return entries == size ? std::optional(size) : std::nullopt;
}

Result<Json> to_json(lua_State* L, int index, int depth);

Result<Json> list_to_json(lua_State* L, int table, int size, int depth) {
  Json list = Json::array();
  for (int i = 1; i <= size; ++i) {
    lua_rawgeti(L, table, i);
    auto item = to_json(L, lua_gettop(L), depth + 1);
    lua_pop(L, 1);
    if (!item) return item;
    list.push_back(std::move(*item));
  }
  return list;
}

Result<Json> map_to_json(lua_State* L, int table, int depth) {
  std::map<std::string, Json> sorted;  // the same table always gives the same text
  lua_pushnil(L);
  while (lua_next(L, table)) {
    if (lua_type(L, -2) != LUA_TSTRING) {
      Error error = make_error(ErrorCode::invalid_argument, fmt::format("a table is either a list 1..n or has string "
                                                                        "keys, got the key {}",
                                                                        describe(L, -2)));
      lua_pop(L, 2);
      return error;
    }
    auto item = to_json(L, lua_gettop(L), depth + 1);
    if (!item) {
      lua_pop(L, 2);
      return item;
    }
    sorted.emplace(to_view(L, -2), std::move(*item));
    lua_pop(L, 1);
  }
  Json map = Json::object();
  for (auto& [key, value] : sorted) map[key] = std::move(value);
  return map;
}

Json integer_to_json(const Whole& whole) {
  return whole.negative ? Json(static_cast<std::int64_t>(0 - whole.magnitude)) : Json(whole.magnitude);
}

Result<Json> to_json(lua_State* L, int index, int depth) {
  if (depth > kMaxDepth || !lua_checkstack(L, 4)) {
    return make_error(ErrorCode::invalid_argument, kNestedTooDeep);
  }
  switch (lua_type(L, index)) {
    case LUA_TNIL:
      return Json(nullptr);
    case LUA_TBOOLEAN:
      return Json(lua_toboolean(L, index) != 0);
    case LUA_TNUMBER: {
      const double value = lua_tonumber(L, index);
      if (!std::isfinite(value)) return make_error(ErrorCode::invalid_argument, "JSON has no nan and no infinity");
      const bool whole = value == std::floor(value) && std::fabs(value) <= kExact;
      return whole ? Json(static_cast<std::int64_t>(value)) : Json(value);
    }
    case LUA_TSTRING:
      return Json(std::string(to_view(L, index)));
    case LUA_TTABLE: {
      const auto size = list_size(L, index);
      if (size && (*size > 0 || is_array(L, index))) return list_to_json(L, index, *size, depth);
      return map_to_json(L, index, depth);
    }
    default:
      if (is_null(L, index)) return Json(nullptr);
      if (Whole whole; read_integer(L, index, whole)) return integer_to_json(whole);
      return make_error(ErrorCode::invalid_argument, fmt::format("JSON has no {}", luaL_typename(L, index)));
  }
}

/// Why tables are nested deeper than they may be: most often because one contains itself.
std::string explain_depth(lua_State* L, int index) {
  const auto cycle = find_cycle(L, index);
  return cycle ? fmt::format("{}: {}", cycle->starts_with('.') ? cycle->substr(1) : *cycle, kContainsItself)
               : kNestedTooDeep;
}

int encode(lua_State* L) {
  if (lua_gettop(L) < 1) raise(L, "lgen.json.encode: a value is missing");
  const auto text = json_text(L, 1);
  if (!text) raise(L, fmt::format("lgen.json.encode: {}", text.error().message));
  push(L, *text);
  return 1;
}

/// Whether `json` is nested deeper than plans can take; what a peer sends must not overflow the stack.
bool too_deep(const Json& json, int depth) {
  if (!json.is_structured()) return false;
  return depth == kMaxDepth ||
         std::any_of(json.begin(), json.end(), [&](const Json& j) { return too_deep(j, depth + 1); });
}

void push_json(lua_State* L, const Json& json) {
  luaL_checkstack(L, 6, "lgen.json.decode");
  if (json.is_null()) {
    push_null(L);
  } else if (json.is_boolean()) {
    lua_pushboolean(L, json.get<bool>());
  } else if (json.is_number_unsigned()) {
    push_integer(L, json.get<std::uint64_t>());
  } else if (json.is_number_integer()) {
    push_integer(L, json.get<std::int64_t>());
  } else if (json.is_number()) {
    lua_pushnumber(L, json.get<double>());
  } else if (json.is_string()) {
    push(L, json.get_ref<const std::string&>());
  } else if (json.is_array()) {
    lua_createtable(L, static_cast<int>(json.size()), 0);
    for (std::size_t i = 0; i < json.size(); ++i) {
      push_json(L, json[i]);
      lua_rawseti(L, -2, static_cast<int>(i) + 1);
    }
    mark_array(L);
  } else {
    lua_createtable(L, 0, static_cast<int>(json.size()));
    for (const auto& [key, value] : json.items()) {
      push(L, key);
      push_json(L, value);
      lua_rawset(L, -3);
    }
  }
}

/// "[json.exception.parse_error.101] parse error at line 1, ..." without what is in brackets.
std::string without_tag(std::string_view what) {
  const std::size_t end = what.find("] ");
  return std::string(end == std::string_view::npos ? what : what.substr(end + 2));
}

int decode(lua_State* L) { return decode_json(L, check_string(L, 1, "lgen.json.decode")); }

int json_property(lua_State* L) {
  if (lua_type(L, 2) != LUA_TSTRING || to_view(L, 2) != "null") return 0;
  push_null(L);
  return 1;
}

constexpr Binding kJson[] = {
    {"encode", encode, "fun(value: any): string",
     "[R] Lists 1..n and lgen.array become arrays, other tables objects with sorted keys."},
    {"decode", decode, "fun(text: string): any, string?",
     "[R E] The value, or nil and what is wrong with the text; arrays are lgen.array, integers beyond 2^53 are cdata."},
    {"null", nullptr, "lightuserdata", "lgen.null."},
};

}  // namespace

Result<std::string> json_text(lua_State* L, int index) {
  const auto json = to_json(L, index, 0);
  if (!json && json.error().message == kNestedTooDeep) return make_error(json.error().code, explain_depth(L, index));
  if (!json) return json.error();
  try {
    return json->dump();
  } catch (const Json::exception&) {
    return make_error(ErrorCode::invalid_argument, "a string is not UTF-8");
  }
}

int decode_json(lua_State* L, std::string_view text) {
  std::string wrong;
  Json json;
  try {
    json = Json::parse(text);
    if (too_deep(json, 0)) wrong = "nested too deep";
  } catch (const Json::exception& error) {
    wrong = without_tag(error.what());
  }
  if (!wrong.empty()) {
    lua_pushnil(L);
    push(L, wrong);
    return 2;
  }
  push_json(L, json);
  return 1;
}

void push_json_text(lua_State* L, std::string_view text) { push_json(L, Json::parse(text)); }

const Module kJsonModule{.name = "lgen.json", .doc = "JSON.", .bindings = kJson, .property = json_property};

}  // namespace lgen::lua
