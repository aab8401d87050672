// The plan itself: lgen.plan, lgen.options, lgen.scenario, setup and teardown, and ending a run early.
#include <fmt/format.h>

#include <algorithm>

#include "held_streams.h"
#include "host.h"
#include "json_values.h"
#include "lgen/units.h"
#include "mod_load.h"
#include "modules.h"
#include "plan_options.h"
#include "plan_stop.h"
#include "stack.h"
#include "tags.h"
#include "vu_lua.h"

namespace lgen::lua {
namespace {

constexpr int kApiVersion = 1;

constexpr Key kPlanKeys[] = {
    {"api", "integer", "version of the plan API the plan is written for: 1", true},
    {"name", "string", "name of the plan in reports"},
    {"about", "string", "one line for --help"},
    {"defaults", "table<string, any>", "engine options, by flag name, unless the user says otherwise"},
};
constexpr KeySet kPlanOptions{"lgen.PlanOptions", kPlanKeys};

constexpr Key kScenarioKeys[] = {
    {"load", "lgen.Load", "how much, and when", true},
    {"fixed", "table<string, string>",
     "fields that no flag and no config file may override, and what to say to who tries"},
    {"run", "fun(vu: lgen.Vu, stream?: lgen.Stream)", "one iteration; held_streams do without, too"},
    {"vu_start", "fun(vu: lgen.Vu)", "before a VU's first iteration"},
    {"vu_stop", "fun(vu: lgen.Vu)", "after its last one"},
    {"setup", "fun(data: any): any", "once before the scenario; what it returns is vu.data"},
    {"start_after", "lgen.Duration", "starts so long after the run"},
    {"background", "boolean", "ends when all other scenarios have"},
    {"graceful_stop", "lgen.Duration", "how long running iterations may go on after the end; default 30s"},
    {"phases", "table[]", "{{\"warmup\", \"10s\"}, …}: sets the label phase; reports leave out warmup"},
    {"tags", "table<string, string|number|boolean>", "labels of everything the scenario counts"},
};
constexpr KeySet kScenarioOptions{"lgen.Scenario", kScenarioKeys};

constexpr Key kVuKeys[] = {
    {"id", "integer", "1, 2, ... over all scenarios", true},
    {"index", "integer", "1, 2, ... within the scenario", true},
    {"iter", "integer", "1, 2, ... within the VU", true},
    {"scenario", "string", "name of the scenario", true},
    {"data", "any", "what setup returned"},
    {"state", "table", "the VU's own, kept from iteration to iteration", true},
    {"scheduled_at", "number", "intended start of the iteration, in lgen.now() time", true},
    {"stopping", "boolean", "no further iteration will come; end soon", true},
};
constexpr KeySet kVuFields{"lgen.Vu", kVuKeys};
constexpr Key kErrorKeys[] = {
    {"code", "string", "\"UNAVAILABLE\", ...", true},
    {"number", "integer", "gRPC's number of it", true},
    {"message", "string", "what happened", true},
    {"kind", "\"status\"|\"timeout\"|\"connect\"|\"cancelled\"|\"closed\"", "who ended it", true},
    {"details", "string", "bytes of grpc-status-details-bin"},
    {"trailers", "table<string, string|string[]>", "trailing metadata"},
    {"call", "lgen.Call", "the failed call"},
};
constexpr KeySet kErrorFields{"lgen.Error", kErrorKeys};

int ref_function(lua_State* L, int table, const char* key, std::string_view what) {
  if (!get_field(L, table, key)) return LUA_NOREF;
  check_function(L, -1, fmt::format("{}: {}", what, key));
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

/// One default as the flag's text: true, 5 and "5s" alike.
std::string default_text(lua_State* L, int index, std::string_view what) {
  if (lua_type(L, index) == LUA_TBOOLEAN) return lua_toboolean(L, index) ? "true" : "false";
  if (lua_type(L, index) == LUA_TNUMBER) return fmt::format("{:.14g}", lua_tonumber(L, index));
  return std::string(check_string(L, index, what));
}

/// The default at the top of the stack; a list for options that may be given several times.
std::vector<std::string> default_texts(lua_State* L, std::string_view what) {
  const int value = lua_gettop(L);
  if (lua_type(L, value) != LUA_TTABLE) return {default_text(L, value, what)};
  std::vector<std::string> texts;
  for (int i = 1; i <= static_cast<int>(lua_objlen(L, value)); ++i) {
    lua_rawgeti(L, value, i);
    texts.push_back(default_text(L, lua_gettop(L), what));
    lua_pop(L, 1);
  }
  return texts;
}

/// What has happened before the plan is read cannot be its default.
void refuse_early_option(lua_State* L, std::string_view name) {
  if (name != "config" && name != "local") return;
  raise(L, fmt::format("lgen.plan: defaults: --{} belongs on the command line", name));
}

/// Settings again, now with the plan's defaults below what the user said; a seed drawn before stays.
void resolve_again(lua_State* L, Host& host) {
  auto settings = host.input.options.resolve();
  if (!settings) raise_usage(L, settings.error().message);
  const std::uint64_t seed = host.settings.seed;
  host.settings = std::move(*settings);
  if (!host.settings.seed_given) host.settings.seed = seed;
  if (host.settings.seed != seed) host.load_random = Random(host.settings.seed);
}

/// defaults = {["wait-ready"] = "5s", wait_ready = 5}: into the plan layer of the engine's options.
void take_defaults(lua_State* L, Host& host, int table) {
  constexpr std::string_view kWhat = "lgen.plan: defaults";
  if (!get_field(L, table, "defaults")) return;
  check_table(L, -1, kWhat);
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    std::string name = lua_type(L, -2) == LUA_TSTRING ? std::string(to_view(L, -2)) : describe(L, -2);
    std::replace(name.begin(), name.end(), '_', '-');
    refuse_early_option(L, name);
    std::vector<std::string> texts = default_texts(L, fmt::format("{}: {}", kWhat, name));
    lua_pop(L, 1);
    const Outcome set = host.input.options.set(OptionLayer::plan, name, std::move(texts), kWhat);
    if (!set) raise(L, set.error().message);
  }
  lua_pop(L, 1);
  resolve_again(L, host);
}

int plan(lua_State* L) {
  Host& host = host_of(L);
  host.only_at_load(L, "lgen.plan");
  if (host.decl.declared) raise(L, "lgen.plan: called twice; a plan has one");
  host.decl.declared = true;
  check_options(L, 1, "lgen.plan", kPlanOptions);
  const auto api = integer_field(L, 1, "api", "lgen.plan", 1, INT32_MAX);
  if (!api) raise(L, "lgen.plan: api is missing; write api = 1");
  if (*api != kApiVersion) {
    raise(L, fmt::format("lgen.plan: the plan wants api {}, this lgen speaks api {}", *api, kApiVersion));
  }
  host.decl.name = string_field(L, 1, "name", "lgen.plan").value_or("");
  host.decl.about = string_field(L, 1, "about", "lgen.plan").value_or("");
  take_defaults(L, host, 1);
  return 0;
}

std::vector<PhaseSpec> read_phases(lua_State* L, int table, std::string_view what) {
  std::vector<PhaseSpec> phases;
  if (!get_field(L, table, "phases")) return phases;
  check_table(L, -1, fmt::format("{}: phases", what));
  for (int i = 1; i <= static_cast<int>(lua_objlen(L, -1)); ++i) {
    lua_rawgeti(L, -1, i);
    const std::string entry = fmt::format("{}: phases[{}]", what, i);
    check_table(L, -1, entry);
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    phases.push_back({std::string(check_string(L, -2, entry)), check_duration(L, -1, entry)});
    lua_pop(L, 3);
  }
  lua_pop(L, 1);
  return phases;
}

Labels read_tags(lua_State* L, int table, std::string_view what) {
  std::map<std::string, std::string> tags;
  if (get_field(L, table, "tags")) {
    check_table(L, -1, fmt::format("{}: tags", what));
    lua_pushnil(L);
    while (lua_next(L, -2)) {
      const std::string entry = fmt::format("{}: tags", what);
      const std::string_view name = check_string(L, -2, entry);
      check_tag_name(L, name, entry);
      tags.emplace(name, label_text(L, -1, entry));
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  return {tags.begin(), tags.end()};
}

/// fixed = { vus = "one for each channel; use --channels" }
FixedFields read_fixed(lua_State* L, int table, std::string_view what) {
  FixedFields fixed;
  if (!get_field(L, table, "fixed")) return fixed;
  const std::string entry = fmt::format("{}: fixed", what);
  check_table(L, -1, entry);
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    const std::string name{check_string(L, -2, entry)};
    const std::string field = scenario_field(name);
    if (field.empty()) {
      raise(L,
            fmt::format("{}: nothing overrides '{}'; there are {}", entry, name, fmt::join(scenario_fields(), ", ")));
    }
    fixed.emplace(field, check_string(L, -1, entry));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return fixed;
}

/// Returns the plan's function that opens the VUs' streams (held_streams), or LUA_NOREF.
int read_load(lua_State* L, int table, ScenarioSpec& spec, std::string_view what) {
  if (!get_field(L, table, "load")) raise(L, fmt::format("{}: load is missing; give it an lgen.load.…", what));
  const LoadValue& value = check_object<LoadValue>(L, -1, fmt::format("{}: load", what));
  spec.load = value.load;
  const int open = value.open;
  lua_pop(L, 1);
  return open;
}

void read_functions(lua_State* L, int table, ScenarioDecl& decl, int open, std::string_view what) {
  decl.run = ref_function(L, table, "run", what);
  decl.vu_start = ref_function(L, table, "vu_start", what);
  decl.vu_stop = ref_function(L, table, "vu_stop", what);
  decl.setup = ref_function(L, table, "setup", what);
  if (open != LUA_NOREF) {
    decl.run = feed_held(L, open, decl.run);
    decl.vu_stop = close_held(L, decl.vu_stop);
  }
  if (decl.run == LUA_NOREF) raise(L, fmt::format("{}: run is missing", what));
}

int scenario(lua_State* L) {
  Host& host = host_of(L);
  host.only_at_load(L, "lgen.scenario");
  const std::string name{check_string(L, 1, "lgen.scenario: name")};
  const std::string what = fmt::format("lgen.scenario \"{}\"", name);
  check_options(L, 2, what, kScenarioOptions);
  for (const auto& known : host.decl.scenarios) {
    if (known->spec.name == name) raise(L, fmt::format("{}: a scenario of that name is there already", what));
  }
  auto decl = std::make_unique<ScenarioDecl>();
  decl->spec.name = name;
  decl->where = where(L);
  read_functions(L, 2, *decl, read_load(L, 2, decl->spec, what), what);
  decl->spec.start_after = duration_field(L, 2, "start_after", what).value_or(Duration{0});
  decl->spec.background = boolean_field(L, 2, "background", what).value_or(false);
  decl->spec.graceful_stop = duration_field(L, 2, "graceful_stop", what).value_or(std::chrono::seconds(30));
  decl->spec.phases = read_phases(L, 2, what);
  decl->spec.tags = read_tags(L, 2, what);
  const Outcome ok = override_scenario(decl->spec, read_fixed(L, 2, what), host.settings);
  if (!ok) raise_usage(L, ok.error().message);
  host.decl.scenarios.push_back(std::move(decl));
  return 0;
}

int set_hook(lua_State* L, int& reference, std::string_view what) {
  host_of(L).only_at_load(L, what);
  check_function(L, 1, what);
  if (reference != LUA_NOREF) raise(L, fmt::format("{}: called twice; a plan has one", what));
  lua_settop(L, 1);
  reference = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

int setup(lua_State* L) { return set_hook(L, host_of(L).decl.setup, "lgen.setup"); }
int teardown(lua_State* L) { return set_hook(L, host_of(L).decl.teardown, "lgen.teardown"); }

Runner& running(lua_State* L, std::string_view what) {
  Host& host = host_of(L);
  if (!host.runner || host.phase == Phase::load) raise(L, fmt::format("{}: only while the plan runs", what));
  return *host.runner;
}

int stop(lua_State* L) {
  const std::string name{check_string(L, 1, "lgen.stop: scenario")};
  const Outcome stopped = running(L, "lgen.stop").stop_scenario(name);
  if (!stopped) raise(L, fmt::format("lgen.stop: {}", stopped.error().message));
  return 0;
}

int vus(lua_State* L) {
  const std::string name{check_string(L, 1, "lgen.vus: scenario")};
  const auto count = running(L, "lgen.vus").vus(name);
  if (!count) raise(L, fmt::format("lgen.vus: the plan has no scenario '{}'", name));
  lua_pushnumber(L, static_cast<double>(*count));
  return 1;
}

/// lgen check runs another load in place of the plan's own, which is the one that says what may be asked for.
Outcome scale_as_declared(const Host& host, Runner& runner, const std::string& name, std::uint64_t vus) {
  for (const auto& decl : host.decl.scenarios) {
    const Load& load = decl->spec.load;
    if (decl->spec.name != name) continue;
    if (load.kind == Load::Kind::external && vus <= load.max_vus) return Done{};
    const std::string why = load.kind == Load::Kind::external
                                ? fmt::format("at most {} VUs (its max_vus), got {}", load.max_vus, vus)
                                : fmt::format("the load {}; only external is scaled", to_string(load.kind));
    return make_error(ErrorCode::invalid_argument, fmt::format("scenario '{}' has {}", name, why));
  }
  return runner.scale_scenario(name, vus);  // there is no such scenario: it says so
}

int scale(lua_State* L) {
  const std::string name{check_string(L, 1, "lgen.scale: scenario")};
  const auto vus = static_cast<std::uint64_t>(check_integer(L, 2, "lgen.scale: vus", 0, std::int64_t{1} << 53));
  Runner& runner = running(L, "lgen.scale");
  const Host& host = host_of(L);
  const bool trial = host.input.purpose == PlanPurpose::check;
  const Outcome scaled = trial ? scale_as_declared(host, runner, name, vus) : runner.scale_scenario(name, vus);
  if (!scaled) raise(L, fmt::format("lgen.scale: {}", scaled.error().message));
  return 0;
}

int abort_run(lua_State* L) {
  running(L, "lgen.abort").abort(std::string(check_string(L, 1, "lgen.abort: reason")));
  return 0;
}

/// lgen.metrics: what --metrics says, or a list where it was said several times; nil unless it was.
void push_metrics(lua_State* L, const Host& host) {
  const std::vector<std::string>& places = host.settings.metrics;
  if (places.empty() && host.input.purpose == PlanPurpose::run) return lua_pushnil(L);
  if (places.size() < 2) return push(L, places.empty() ? "127.0.0.1:1" : places[0]);
  lua_createtable(L, static_cast<int>(places.size()), 0);
  for (std::size_t i = 0; i < places.size(); ++i) {
    push(L, places[i]);
    lua_rawseti(L, -2, static_cast<int>(i) + 1);
  }
}

/// Computed fields: lgen.target, lgen.metrics, lgen.cancelled.
int lgen_property(lua_State* L) {
  Host& host = host_of(L);
  const std::string_view name = lua_type(L, 2) == LUA_TSTRING ? to_view(L, 2) : "";
  if (name == "cancelled") {
    push_cancelled(L);
    return 1;
  }
  if (name == "null") {
    push_null(L);
    return 1;
  }
  if (name == "metrics") {
    push_metrics(L, host);
    return 1;
  }
  if (name != "target") return 0;
  if (host.settings.target.empty() && host.input.purpose == PlanPurpose::run) {
    const std::string misspelt = misspelt_engine_option(host.input);
    if (!host.decl.options_declared && !misspelt.empty()) raise_usage(L, misspelt);
    raise_usage(L, "this plan needs a target: --target HOST:PORT, or --local for a stand-in cluster on this machine");
  }
  push(L, host.settings.target.empty() ? "127.0.0.1:1" : host.settings.target);
  return 1;
}

constexpr Binding kLgen[] = {
    {"plan", plan, "fun(o: lgen.PlanOptions)", "[R] What the plan is called and which API it is written for."},
    {"options", declare_options, "fun(list: lgen.Option[]): table<string, any>",
     "[R] Declares the plan's own flags and returns their values: {\"hold\", \"duration\", default = \"30s\", help = "
     "…}."},
    {"target", nullptr, "string", "--target HOST:PORT."},
    {"metrics", nullptr, "string|string[]|nil", "--metrics WHERE, for lgen.prom.target; --local sets it."},
    {"cancelled", nullptr, "any", "The error value raised in cancelled tasks."},
    {"scenario", scenario, "fun(name: string, o: lgen.Scenario)", "[R] Work to do, and how much of it."},
    {"setup", setup, "fun(fn: fun(): any)", "[R] Runs once before all scenarios; may wait."},
    {"teardown", teardown, "fun(fn: fun(data: any))",
     "[R] Runs once after all scenarios; may wait. What it prints is kept in the run's report."},
    {"stop", stop, "fun(scenario: string)", "[R] Ends a scenario as if its time were up."},
    {"scale", scale, "fun(scenario: string, vus: integer)",
     "[R] Sets the number of VUs of a scenario whose load is external."},
    {"vus", vus, "fun(scenario: string): integer", "[R] VUs running now."},
    {"abort", abort_run, "fun(reason: string)", "[R] Ends the run with exit code 108; teardown still runs."},
};

constexpr KeySet kLgenOptions[] = {kPlanOptions, kOptionFields, kScenarioOptions, kVuFields, kErrorFields};

}  // namespace

const Module kLgenModule{.name = "lgen",
                         .doc = "The load generator's plan API.",
                         .bindings = kLgen,
                         .option_tables = kLgenOptions,
                         .property = lgen_property};

}  // namespace lgen::lua
