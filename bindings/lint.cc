#include "lint.h"

#include "host.h"
#include "modules.h"
#include "stack.h"

namespace lgen::lua {
namespace {

/// Registry keys of the prelude's two functions (lua/lint.lua stores them through the bindings below).
constexpr char kFindingsKey = 0;
constexpr char kInstallKey = 0;

void store(lua_State* L, const char& key) {
  lua_pushlightuserdata(L, const_cast<char*>(&key));
  lua_pushvalue(L, 1);
  lua_rawset(L, LUA_REGISTRYINDEX);
}

int set_findings(lua_State* L) {
  store(L, kFindingsKey);
  return 0;
}

int set_install(lua_State* L) {
  store(L, kInstallKey);
  return 0;
}

void push_stored(lua_State* L, const char& key) {
  lua_pushlightuserdata(L, const_cast<char*>(&key));
  lua_rawget(L, LUA_REGISTRYINDEX);
}

constexpr Binding kLint[] = {
    {"set_findings", set_findings, "fun(scan: fun(fn: function): string)", ""},
    {"set_install", set_install, "fun(install: fun())", ""},
};

}  // namespace

Outcome lint_chunk(lua_State* L, int index) {
  const int chunk = index > 0 ? index : lua_gettop(L) + index + 1;
  push_stored(L, kFindingsKey);
  lua_pushvalue(L, chunk);
  if (const Outcome scanned = call_protected(L, 1, 1); !scanned) return scanned;
  std::string findings{to_view(L, -1)};
  lua_pop(L, 1);
  if (findings.empty()) return Done{};
  return make_error(ErrorCode::invalid_argument, std::move(findings));
}

void install_lint_for_require(lua_State* L) {
  push_stored(L, kInstallKey);
  lua_call(L, 0, 0);
}

const Module kLintModule{.name = "_lint", .doc = "", .bindings = kLint};

}  // namespace lgen::lua
