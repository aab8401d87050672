#include "registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

#include "host.h"
#include "lgen/embedded.h"
#include "lgen/units.h"
#include "modules.h"

namespace lgen {
extern const EmbeddedFile kLuaFiles[];
extern const std::size_t kLuaFiles_count;
}  // namespace lgen

namespace lgen::lua {
namespace {

const std::array kModules = {
    &kLgenModule,     &kLoadModule,        &kLoadClass,       &kTimeModule,        &kTaskClass,      &kTaskPrimitives,
    &kEveryClass,     &kRandomModule,      &kMathModule,      &kProtoModule,       &kSchemaClass,    &kMethodClass,
    &kEncodedClass,   &kGrpcModule,        &kChannelClass,    &kPoolClass,         &kStreamClass,    &kCallClass,
    &kEventFeedClass, &kHttpModule,        &kHttpClientClass, &kHttpResponseClass, &kGrpcPrimitives, &kHeldPrimitives,
    &kMetricsModule,  &kMetricsPrimitives, &kCounterClass,    &kGaugeClass,        &kRateClass,      &kHistogramClass,
    &kVerdictModule,  &kDistributionClass, &kPromModule,      &kPromTargetClass,   &kSampleClass,    &kDataModule,
    &kDataClass,      &kHpaModule,         &kLogModule,       &kCryptoModule,      &kJsonModule,     &kJsonValuesModule,
    &kLintModule,     &kClusterModule,
};

/// "lgen.grpc" -> "grpc"; "lgen" -> "".
std::string_view last_part(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
}

bool is_private(const Module& module) { return module.name[0] == '_'; }

/// Names a did-you-mean may offer.
std::vector<std::string_view> names_of(lua_State* L, int table) {
  std::vector<std::string_view> names;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    lua_pop(L, 1);
    if (lua_type(L, -1) == LUA_TSTRING) names.push_back(to_view(L, -1));
  }
  return names;
}

[[noreturn]] void raise_unknown(lua_State* L, const Module& module, int methods) {
  const std::string_view kind = module.object ? "method or field" : "function or field";
  const std::string name = lua_type(L, 2) == LUA_TSTRING ? std::string(to_view(L, 2)) : describe(L, 2);
  std::vector<std::string_view> known = names_of(L, methods);
  for (const Binding& binding : module.bindings) known.emplace_back(binding.name);  // properties, too
  const std::string guess{did_you_mean(name, known)};
  raise(L, fmt::format("{} has no {} '{}'{}", module.name, kind, name,
                       guess.empty() ? "" : fmt::format(" (did you mean '{}'?)", guess)));
}

/// __index of modules and objects, in Lua: a third of the price of a C function, and compiled into the plan's loops.
constexpr char kIndex[] =
    "local functions, otherwise = ...\n"
    "return function(self, key)\n"
    "  local f = functions[key]\n"
    "  if f ~= nil then return f end\n"
    "  return otherwise(self, key)\n"
    "end";

/// What is no function: a property, or a mistake. Upvalues: host, the functions, the Module.
int index_module(lua_State* L) {
  const auto& module = *static_cast<const Module*>(lua_touserdata(L, lua_upvalueindex(3)));
  if (module.property && module.property(L) == 1) return 1;
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(2));
  raise_unknown(L, module, 3);
}

int refuse_assignment(lua_State* L) {
  const auto& module = *static_cast<const Module*>(lua_touserdata(L, lua_upvalueindex(3)));
  const std::string name = lua_type(L, 2) == LUA_TSTRING ? std::string(to_view(L, 2)) : describe(L, 2);
  raise(L, fmt::format("{}.{} cannot be set", module.name, name));
}

void push_closure(lua_State* L, Host& host, lua_CFunction function) {
  lua_pushlightuserdata(L, &host);
  lua_pushcclosure(L, function, 1);
}

/// Sets metatable[key] for the functions at stack index `functions`.
void set_metamethod(lua_State* L, Host& host, const Module& module, int functions, const char* key, lua_CFunction f) {
  lua_pushlightuserdata(L, &host);
  lua_pushvalue(L, functions);
  lua_pushlightuserdata(L, const_cast<Module*>(&module));
  lua_pushcclosure(L, f, 3);
  lua_setfield(L, -2, key);
}

/// Sets metatable.__index for the functions at stack index `functions`.
void set_index(lua_State* L, Host& host, const Module& module, int functions) {
  if (luaL_loadbuffer(L, kIndex, sizeof kIndex - 1, "=lgen/index") != 0) throw std::logic_error(lua_tostring(L, -1));
  lua_pushvalue(L, functions);
  lua_pushlightuserdata(L, &host);
  lua_pushvalue(L, functions);
  lua_pushlightuserdata(L, const_cast<Module*>(&module));
  lua_pushcclosure(L, index_module, 3);
  lua_call(L, 2, 1);
  lua_setfield(L, -2, "__index");
}

/// Pushes the metatable of a module or class whose functions lie at `functions`.
void push_metatable(lua_State* L, Host& host, const Module& module, int functions) {
  lua_newtable(L);
  set_index(L, host, module, functions);
  set_metamethod(L, host, module, functions, "__newindex", refuse_assignment);
  const std::pair<const char*, lua_CFunction> extra[] = {
      {"__gc", module.collect}, {"__len", module.length}, {"__tostring", module.tostring}};
  for (const auto& [key, function] : extra) {
    if (!function) continue;
    push_closure(L, host, function);
    lua_setfield(L, -2, key);
  }
  lua_pushstring(L, module.name);
  lua_setfield(L, -2, "__metatable");  // hands off: getmetatable() gives the name
}

/// Pushes a table with the module's C functions.
void push_functions(lua_State* L, Host& host, const Module& module) {
  lua_newtable(L);
  for (const Binding& binding : module.bindings) {
    if (!binding.function) continue;
    push_closure(L, host, binding.function);
    lua_setfield(L, -2, binding.name);
  }
}

/// The functions of `module` end up in: the registry (classes), `lgen.x`, or the prelude's private table.
/// Stack: 1 lgen's functions, 2 functions by module name, 3 public tables by module name.
void install(lua_State* L, Host& host, const Module& module) {
  lua_getfield(L, 2, module.name);  // several Modules may fill one table (lgen)
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    push_functions(L, host, module);
    lua_pushvalue(L, -1);
    lua_setfield(L, 2, module.name);
  }
  const int functions = lua_gettop(L);
  if (module.object) {
    lua_pushlightuserdata(L, const_cast<ObjectType*>(module.object));
    push_metatable(L, host, module, functions);
    lua_rawset(L, LUA_REGISTRYINDEX);
  } else if (!is_private(module)) {
    lua_newtable(L);
    push_metatable(L, host, module, functions);
    lua_setmetatable(L, -2);
    lua_setfield(L, 3, module.name);
  }
  lua_settop(L, 3);
}

/// Modules that share a name (parts of `lgen`) are merged into the first one's functions.
void merge_functions(lua_State* L, Host& host, const Module& module) {
  lua_getfield(L, 2, module.name);
  for (const Binding& binding : module.bindings) {
    if (!binding.function) continue;
    push_closure(L, host, binding.function);
    lua_setfield(L, -2, binding.name);
  }
  lua_pop(L, 1);
}

void link_children(lua_State* L, const Module& module) {
  const std::string_view child = last_part(module.name);
  if (module.object || is_private(module) || child.empty()) return;
  lua_getfield(L, 2, "lgen");
  push(L, child);
  lua_getfield(L, 3, module.name);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/// Runs one embedded Lua file with the functions by module name as its argument.
void run_prelude(lua_State* L, const EmbeddedFile& file) {
  const std::string name = fmt::format("=lgen/{}", file.name);
  if (luaL_loadbuffer(L, file.text.data(), file.text.size(), name.c_str()) != 0) {
    throw std::logic_error(lua_tostring(L, -1));
  }
  lua_pushvalue(L, 2);
  if (lua_pcall(L, 1, 0, 0) != 0) throw std::logic_error(lua_tostring(L, -1));
}

/// What the registry documents must exist, be it made here or by the prelude.
void check_complete(lua_State* L, const Module& module) {
  lua_getfield(L, 2, module.name);
  for (const Binding& binding : module.bindings) {
    const bool is_function = std::string_view(binding.type).starts_with("fun(");
    lua_getfield(L, -1, binding.name);
    if (is_function && !lua_isfunction(L, -1)) {
      throw std::logic_error(fmt::format("{}.{} is documented but not bound", module.name, binding.name));
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

int open_lgen(lua_State* L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  return 1;
}

}  // namespace

std::span<const Module* const> all_modules() { return kModules; }

void install_modules(lua_State* L, Host& host) {
  lua_settop(L, 0);
  lua_pushnil(L);
  lua_newtable(L);
  lua_newtable(L);
  for (const Module* module : kModules) {
    lua_getfield(L, 2, module->name);
    const bool seen = !lua_isnil(L, -1);
    lua_pop(L, 1);
    seen ? merge_functions(L, host, *module) : install(L, host, *module);
  }
  for (const Module* module : kModules) link_children(L, *module);
  for (std::size_t i = 0; i < kLuaFiles_count; ++i) run_prelude(L, kLuaFiles[i]);
  for (const Module* module : kModules) check_complete(L, *module);
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  lua_getfield(L, 3, "lgen");
  lua_pushcclosure(L, open_lgen, 1);
  lua_setfield(L, -2, "lgen");
  lua_settop(L, 0);
}

namespace {

void render_option_table(std::string& out, const KeySet& keys) {
  out += fmt::format("\n---@class {}\n", keys.name);
  for (const Key& key : keys.keys) {
    out += fmt::format("---@field {}{} {} {}\n", key.name, key.always ? "" : "?", key.type, key.doc);
  }
}

}  // namespace

std::string render_meta() {
  std::string out =
      "---@meta lgen\n"
      "-- Generated from the binding registry by `lgen-meta`; a test keeps both equal. Do not edit.\n"
      "-- Marks: [Y] may wait, [R] raises on misuse, [E] returns nil, err.\n\n"
      "---@alias lgen.Duration number|string seconds, or \"250ms\", \"1m30s\"\n"
      "---@alias lgen.Size number|string bytes, or \"64KiB\"\n";
  for (const Module* module : kModules) {
    if (is_private(*module)) continue;
    for (const KeySet& keys : module->option_tables) render_option_table(out, keys);
  }
  std::vector<std::string_view> done;
  for (const Module* module : kModules) {
    if (is_private(*module) || std::find(done.begin(), done.end(), module->name) != done.end()) continue;
    done.emplace_back(module->name);
    out += fmt::format("\n---{}\n---@class {}\n", module->doc, module->name);
    for (const Module* part : kModules) {
      if (std::string_view(part->name) != module->name) continue;
      for (const Binding& b : part->bindings) out += fmt::format("---@field {} {} {}\n", b.name, b.type, b.doc);
    }
    if (std::string_view(module->name) != "lgen") continue;
    for (const Module* child : kModules) {
      const std::string_view name = last_part(child->name);
      if (child->object || is_private(*child) || name.empty()) continue;
      out += fmt::format("---@field {} {}\n", name, child->name);
    }
  }
  return out + "\n---@type lgen\nlocal lgen = {}\nreturn lgen\n";
}

}  // namespace lgen::lua
