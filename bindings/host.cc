#include "host.h"

#include <fmt/format.h>

#include <algorithm>

#include "gc_pacer.h"
#include "grpc_trace.h"
#include "lgen/embedded.h"
#include "lgen/log.h"
#include "mod_grpc.h"
#include "mod_http.h"
#include "mod_metrics.h"
#include "mod_prom.h"
#include "mod_proto.h"
#include "registry.h"
#include "stack.h"
#include "vu_lua.h"
#include "watchdog.h"

namespace lgen::lua {
namespace {

constexpr std::size_t kMaxErrors = 100;     // kinds of errors kept for the report
constexpr std::size_t kMostPrinted = 1000;  // lines of the teardown, likewise

/// What happens in warm-up is counted apart; the times are those of what counts, once there is any.
void count_error(ErrorSample& error, bool warmup, double now) {
  const bool first = error.count == 0 && !warmup;
  if (first) error.first_at = now;
  if (!warmup || error.count == 0) error.last_at = now;
  ++(warmup ? error.warmup : error.count);
}

constexpr char kErrorMetatableKey = 0;

/// "UNAVAILABLE: connection refused", "UNAVAILABLE (no message)".
int error_tostring(lua_State* L) {
  const int before = lua_gettop(L);
  lua_getfield(L, 1, "code");
  lua_getfield(L, 1, "message");
  if (lua_type(L, -1) == LUA_TSTRING && lua_objlen(L, -1) == 0) {
    lua_pop(L, 1);
    lua_pushliteral(L, " (no message)");
  } else {
    lua_pushliteral(L, ": ");
    lua_insert(L, -2);
  }
  lua_concat(L, lua_gettop(L) - before);
  return 1;
}

void make_error_metatable(lua_State* L) {
  lua_pushlightuserdata(L, const_cast<char*>(&kErrorMetatableKey));
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, error_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_rawset(L, LUA_REGISTRYINDEX);
}

/// The text of an error value: strings as they are, tables by __tostring.
int error_text(lua_State* L) {
  if (luaL_callmeta(L, 1, "__tostring")) lua_replace(L, 1);
  lua_settop(L, 1);
  if (lua_isstring(L, 1)) return 1;
  push(L, fmt::format("an error value of type {}", luaL_typename(L, 1)));
  return 1;
}

int add_traceback(lua_State* L) {
  if (lua_type(L, 1) == LUA_TSTRING) luaL_traceback(L, L, lua_tostring(L, 1), 1);
  return 1;
}

/// An error where no plan code runs: a bug of ours. Lua ends the process afterwards.
int panic(lua_State* L) {
  log(LogLevel::error, fmt::format("PANIC: unprotected error in call to Lua API ({})",
                                   lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "no text"));
  return 0;
}

/// What print makes of its arguments, in their place.
std::string printed_text(lua_State* L) {
  std::string text;
  const int count = lua_gettop(L);
  for (int i = 1; i <= count; ++i) {
    lua_getglobal(L, "tostring");
    lua_pushvalue(L, i);
    lua_call(L, 1, 1);
    if (!lua_isstring(L, -1)) raise(L, "'tostring' must return a string to 'print'");
    if (i > 1) text += '\t';
    text += lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  lua_settop(L, 0);
  push(L, text);
  return text;
}

/// A report has what the plan's teardown says of the run.
void keep_printed(Host& host, const std::string& text) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (host.printed.size() < kMostPrinted) {
      host.printed.push_back(text.substr(at, end - at));
    } else {
      ++host.lines_not_kept;
    }
    at = end + 1;
  }
}

/// Lua's print, on lines of their own beside a progress bar.
int print_aside(lua_State* L) {
  step_aside();
  Host& host = host_of(L);
  if (host.phase == Phase::teardown) keep_printed(host, printed_text(L));
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 0);
  return 0;
}

void wrap_print(Host& host, lua_State* L) {
  lua_pushlightuserdata(L, &host);
  lua_getglobal(L, "print");
  lua_pushcclosure(L, print_aside, 2);
  lua_setglobal(L, "print");
}

}  // namespace

Host::Host(Loop& loop_in, Metrics& metrics_in, PlanInput input_in)
    : loop(loop_in),
      metrics(metrics_in),
      recorder(metrics_in),
      input(std::move(input_in)),
      L(lua_newstate(LuaMemory::change, &lua_memory)),
      no_tags(TagSet::make()) {
  if (L == nullptr) throw std::bad_alloc();
  lua_atpanic(L, panic);
  set_fallback_place(L, place_of_task);
  luaL_openlibs(L);
  wrap_print(*this, L);
  make_error_metatable(L);
  make_cancelled_value(L);
  make_vu_metatable(L);
  grpc = std::make_unique<GrpcState>(*this);
  http = std::make_unique<HttpState>(*this);
  proto = std::make_unique<ProtoState>(*this);
  measure = std::make_unique<MetricsState>(*this);
  prom = std::make_unique<PromState>(*this);
  install_modules(L, *this);
}

Host::~Host() {
  gc.reset();
  watchdog.reset();
  lua_close(L);
}

void Host::forbid_at_load(lua_State* state, std::string_view what) const {
  if (phase != Phase::load) return;
  const std::string_view kind = what.starts_with("lgen.") ? "waiting" : "network call";
  raise(state, fmt::format("{} while the plan is loading ({}); move it into lgen.setup or run", kind, what));
}

void Host::only_at_load(lua_State* state, std::string_view what) const {
  if (phase == Phase::load) return;
  raise(state, fmt::format("{}: only at the top level of the plan, while it is loading", what));
}

void Host::keep_secret(std::string_view text) {
  if (!redactor.add(text)) return;
  const std::string quoted = quote_for_lua(text.substr(0, 2 * Redactor::kLongest));
  const std::string_view escaped = std::string_view(quoted).substr(1, quoted.size() - 2);
  if (!text.starts_with(escaped)) redactor.add(escaped);
}

double Host::now_seconds() const {
  return run_started == TimePoint{} ? 0 : to_seconds(loop.precise_now() - run_started);
}

void Host::tell_failure(Failure failure) const {
  if (!on_failure) return;
  failure.at = now_seconds();
  if (redactor.empty()) return on_failure(failure);
  std::string message(failure.message), place(failure.where), backend(failure.backend);
  for (std::string* text : {&message, &place, &backend}) redactor.clean(*text);
  failure.message = message;
  failure.where = place;
  failure.backend = backend;
  on_failure(failure);
}

void Host::add_error(Failure failure) {
  const double now = now_seconds();
  tell_failure(failure);
  const bool warmup = failure.phase == kWarmup;
  for (ErrorSample& known : errors) {
    if (known.code != failure.code || known.message != failure.message || known.where != failure.where ||
        known.backend != failure.backend) {
      continue;
    }
    return count_error(known, warmup, now);
  }
  if (errors.size() == kMaxErrors) {
    ++errors_dropped;
    return;
  }
  errors.push_back({std::string(failure.code), std::string(failure.message), std::string(failure.where),
                    std::string(failure.backend), 0, now, now});
  count_error(errors.back(), warmup, now);
}

void Host::plan_error(const std::string& text, const std::string& traceback, std::string_view scenario,
                      std::string_view in_phase) {
  std::string line = fmt::format("{}: {}\n{}", scenario, text, traceback);
  redactor.clean(line);
  log(LogLevel::debug, line);
  add_error({.kind = "iteration",
             .scenario = scenario,
             .phase = in_phase,
             .where = scenario,
             .code = "plan",
             .message = text});
}

void Host::end_what_never_yields() {
  const std::string verdict = watchdog->settle();
  if (!verdict.empty() && runner) runner->fail(verdict);
}

TagSet Host::scenario_tags(ScenarioDecl& scenario) const {
  if (scenario.tags) return scenario.tags;
  std::map<std::string, std::string> merged;
  for (const auto& [name, value] : settings.tags) merged[name] = value;
  for (const auto& [name, value] : scenario.spec.tags) merged[name] = value;
  return scenario.tags = TagSet::make(merged.begin(), merged.end());
}

Outcome call_protected(lua_State* L, int arguments, int results) {
  const int handler = lua_gettop(L) - arguments;
  lua_pushcfunction(L, add_traceback);
  lua_insert(L, handler);
  const int status = lua_pcall(L, arguments, results, handler);
  lua_remove(L, handler);
  if (status == 0) return Done{};
  return make_error(ErrorCode::invalid_argument, pop_error_text(L));
}

std::string pop_error_text(lua_State* L) {
  lua_pushcfunction(L, error_text);
  lua_insert(L, -2);
  const bool ok = lua_pcall(L, 1, 1, 0) == 0 && lua_isstring(L, -1);
  std::string text = ok ? std::string(to_view(L, -1)) : "an error value whose __tostring fails";
  lua_pop(L, 1);
  return text;
}

void push_error(lua_State* L, std::string_view code, int number, std::string_view message, std::string_view kind) {
  lua_createtable(L, 0, 6);
  push(L, code);
  lua_setfield(L, -2, "code");
  lua_pushinteger(L, number);
  lua_setfield(L, -2, "number");
  push(L, message);
  lua_setfield(L, -2, "message");
  push(L, kind);
  lua_setfield(L, -2, "kind");
  lua_pushlightuserdata(L, const_cast<char*>(&kErrorMetatableKey));
  lua_rawget(L, LUA_REGISTRYINDEX);
  lua_setmetatable(L, -2);
}

}  // namespace lgen::lua
