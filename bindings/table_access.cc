#include "table_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "stack.h"

namespace lgen::lua {
namespace {

void add_enum_names(lua_State* L, int array, const EnumPlan& plan) {
  for (const EnumPlan::Value& value : plan.values) {
    push(L, value.name);
    lua_rawseti(L, array, static_cast<int>(value.key));
  }
}

/// Replaces the value at the top by the function that `text` returns, and stores it as array[key].
void build(lua_State* L, int array, std::uint32_t key, const std::string& text) {
  lua_pop(L, 1);
  if (luaL_loadbuffer(L, text.data(), text.size(), "=lgen/codec") != 0) lua_error(L);
  lua_call(L, 0, 1);
  luaJIT_setmode(L, -1, LUAJIT_MODE_FUNC | LUAJIT_MODE_OFF);
  lua_pushvalue(L, -1);
  lua_rawseti(L, array, static_cast<int>(key));
}

}  // namespace

void TableAccess::learn(lua_State* L, const MessagePlan& plan) {
  if (array_ == LUA_NOREF) {
    lua_newtable(L);
    array_ = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, array_);
  add(L, lua_gettop(L), plan);
  lua_pop(L, 1);
}

void TableAccess::add(lua_State* L, int array, const MessagePlan& plan) {
  if (plan.key >= known_.size()) known_.resize(plan.key + 1);
  if (known_[plan.key]) return;
  known_[plan.key] = true;
  for (std::uint32_t i = 0; i < plan.key_count(); ++i) {
    lua_pushboolean(L, 0);  // no function yet; an array without holes stays an array
    lua_rawseti(L, array, static_cast<int>(plan.key + i));
  }
  for (const FieldPlan& field : plan.fields) {
    lua::push(L, field.name);
    lua_rawseti(L, array, static_cast<int>(field.key));
    if (field.enumeration != nullptr) add_enum_names(L, array, *field.enumeration);
    if (field.message != nullptr) add(L, array, *field.message);
  }
}

// Field names are identifiers, or identifiers and points in brackets: nothing in them needs quoting.
void TableAccess::build_take(lua_State* L, int array, const MessagePlan& plan, std::uint32_t group, bool raw) {
  std::string text = "local next, rawget = next, rawget\nreturn function(t)\nlocal n = 0\n";
  if (group == last_group(plan)) text += "for _ in next, t do n = n + 1 end\n";
  text += "return n";
  const std::size_t end = std::min<std::size_t>(plan.fields.size(), (group + 1) * kGroup);
  for (std::size_t i = group * kGroup; i < end; ++i) {
    text += fmt::format(fmt::runtime(raw ? ", rawget(t, \"{}\")" : ", t[\"{}\"]"), plan.fields[i].name);
  }
  build(L, array, plan.key + 1 + 2 * group + (raw ? 1 : 0), text + "\nend\n");
}

void TableAccess::build_make(lua_State* L, int array, const MessagePlan& plan) {
  std::string values;
  std::string fields;
  for (std::size_t i = 0; i < plan.fields.size(); ++i) {
    values += fmt::format("{}v{}", i == 0 ? "" : ", ", i);
    fields += fmt::format("[\"{}\"] = v{}, ", plan.fields[i].name, i);
  }
  build(L, array, plan.key, fmt::format("return function({})\nreturn {{ {} }}\nend\n", values, fields));
}

}  // namespace lgen::lua
