#include "mod_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host.h"
#include "lgen/units.h"
#include "modules.h"

namespace lgen::lua {
namespace {

using Kind = Load::Kind;

constexpr std::int64_t kMost = std::int64_t{1} << 53;

constexpr Key kConstantVusKeys[] = {
    {"vus", "integer", "number of virtual users, default 1"},
    {"duration", "lgen.Duration", "how long they run", true},
};
constexpr Key kIterationKeys[] = {
    {"vus", "integer", "number of virtual users, default 1"},
    {"iterations", "integer", "per VU, or shared by all; default 1"},
    {"max_duration", "lgen.Duration", "ends the load even if iterations are left; default 10m; math.huge: never"},
};
constexpr Key kStageKeys[] = {
    {"duration", "lgen.Duration", "how long the way to the target takes; 0: a jump", true},
    {"target", "number", "VUs, streams, or iterations started a second at its end", true},
};
constexpr Key kRampingVusKeys[] = {
    {"stages", "(lgen.Stage|table)[]", "{{duration = \"30s\", target = 10}, {\"1m\", 50}, …}: straight lines", true},
    {"start_vus", "integer", "where the first stage begins; default 0"},
};
constexpr Key kConstantRateKeys[] = {
    {"rate", "number", "iterations started a second", true},
    {"duration", "lgen.Duration", "how long", true},
    {"max_vus", "integer", "so many may run at a time; all are made at the start", true},
    {"backlog", "lgen.Duration", "so long one that is due may wait for a free VU, then it is dropped; default 10s"},
    {"arrivals", "\"even\"|\"poisson\"", "evenly spaced, or at random; default even"},
};
constexpr Key kRampingRateKeys[] = {
    {"stages", "(lgen.Stage|table)[]", "{{duration = \"30s\", target = 100}, {\"1m\", 500}, …}: straight lines", true},
    {"start_rate", "number", "where the first stage begins; default 0"},
    {"max_vus", "integer", "so many may run at a time; all are made at the start", true},
    {"backlog", "lgen.Duration", "so long one that is due may wait for a free VU, then it is dropped; default 10s"},
    {"arrivals", "\"even\"|\"poisson\"", "evenly spaced, or at random; default even"},
};
constexpr Key kHeldStreamsKeys[] = {
    {"stages", "(lgen.Stage|table)[]", "{{duration = \"30s\", target = 10}, {\"1m\", 50}, …}: streams held", true},
    {"open", "fun(vu: lgen.Vu): lgen.Stream", "opens a VU's stream: before its first run, and again after it has ended",
     true},
};
constexpr Key kExternalKeys[] = {
    {"vus", "integer", "virtual users at the start; default 0"},
    {"max_vus", "integer", "as far as lgen.scale may go", true},
    {"duration", "lgen.Duration", "how long", true},
};
constexpr KeySet kConstantVus{"lgen.ConstantVus", kConstantVusKeys};
constexpr KeySet kIterations{"lgen.Iterations", kIterationKeys};
constexpr KeySet kStage{"lgen.Stage", kStageKeys};
constexpr KeySet kRampingVus{"lgen.RampingVus", kRampingVusKeys};
constexpr KeySet kConstantRate{"lgen.ConstantRate", kConstantRateKeys};
constexpr KeySet kRampingRate{"lgen.RampingRate", kRampingRateKeys};
constexpr KeySet kHeldStreams{"lgen.HeldStreams", kHeldStreamsKeys};
constexpr KeySet kExternal{"lgen.External", kExternalKeys};
constexpr KeySet kLoadOptions[] = {kConstantVus,  kIterations,  kStage,       kRampingVus,
                                   kConstantRate, kRampingRate, kHeldStreams, kExternal};

std::uint64_t count_field(lua_State* L, const char* key, std::string_view what, std::uint64_t least = 1) {
  const auto fewest = static_cast<std::int64_t>(least);
  return static_cast<std::uint64_t>(integer_field(L, 1, key, what, fewest, kMost).value_or(fewest));
}

/// Raises "WHAT: KEY is missing".
void need(lua_State* L, const char* key, std::string_view what) {
  if (!get_field(L, 1, key)) raise(L, fmt::format("{}: {} is missing", what, key));
  lua_pop(L, 1);
}

/// Pushes element `key` of the stage at the top of L or, where that is not given, element `place`.
void get_part(lua_State* L, const char* key, int place, std::string_view what) {
  const int stage = lua_gettop(L);
  if (get_field(L, stage, key)) return;
  lua_rawgeti(L, stage, place);
  if (lua_isnil(L, -1)) raise(L, fmt::format("{}: {} is missing; write {{duration, target}}", what, key));
}

/// {duration = "30s", target = 10} or {"30s", 10}, at the top of L.
Stage read_stage(lua_State* L, std::string_view what) {
  if (!lua_istable(L, -1)) {
    raise(L, fmt::format("{}: {{duration, target}} expected, got {}", what, describe(L, -1)));
  }
  if (lua_objlen(L, -1) > 2)
    raise(L, fmt::format("{}: {{duration, target}} expected, got {} values", what, lua_objlen(L, -1)));
  if (lua_objlen(L, -1) == 0) check_keys(L, lua_gettop(L), what, kStageKeys);
  Stage stage;
  get_part(L, "duration", 1, what);
  stage.duration = check_duration(L, -1, fmt::format("{}: duration", what));
  lua_pop(L, 1);
  get_part(L, "target", 2, what);
  stage.target = check_number(L, -1, fmt::format("{}: target", what));
  lua_pop(L, 1);
  return stage;
}

}  // namespace

std::vector<Stage> read_stages(lua_State* L, std::string_view what) {
  get_field(L, 1, "stages");
  check_table(L, -1, fmt::format("{}: stages", what));
  std::vector<Stage> stages;
  for (int i = 1; i <= static_cast<int>(lua_objlen(L, -1)); ++i) {
    lua_rawgeti(L, -1, i);
    stages.push_back(read_stage(L, fmt::format("{}: stages[{}]", what, i)));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  if (stages.empty()) raise(L, fmt::format("{}: stages: a list of {{duration, target}} expected", what));
  return stages;
}

namespace {

bool read_poisson(lua_State* L, std::string_view what) {
  const std::string arrivals = string_field(L, 1, "arrivals", what).value_or("even");
  if (arrivals == "even" || arrivals == "poisson") return arrivals == "poisson";
  raise(L, fmt::format("{}: arrivals: '{}' is neither even nor poisson", what, arrivals));
}

/// math.huge: none.
std::optional<Duration> limit_field(lua_State* L, std::string_view what) {
  lua_getfield(L, 1, "max_duration");
  const bool none = lua_type(L, -1) == LUA_TNUMBER && lua_tonumber(L, -1) == HUGE_VAL;
  lua_pop(L, 1);
  return none ? kNoLimit : duration_field(L, 1, "max_duration", what);
}

/// One executor: its name in messages, its fields, and its fewest VUs, which are also their default.
struct Executor {
  Kind kind;
  std::string_view what;
  const KeySet& fields;
  std::uint64_t least_vus = 1;
};

constexpr Executor kExecutors[] = {
    {Kind::constant_vus, "lgen.load.constant_vus", kConstantVus},
    {Kind::per_vu_iterations, "lgen.load.per_vu_iterations", kIterations},
    {Kind::shared_iterations, "lgen.load.shared_iterations", kIterations},
    {Kind::ramping_vus, "lgen.load.ramping_vus", kRampingVus, 0},
    {Kind::held_streams, "lgen.load.held_streams", kHeldStreams, 0},
    {Kind::constant_rate, "lgen.load.constant_rate", kConstantRate},
    {Kind::ramping_rate, "lgen.load.ramping_rate", kRampingRate},
    {Kind::external, "lgen.load.external", kExternal, 0},
};

/// How the field of that name gets from the plan's table into a Load.
struct FieldReader {
  std::string_view name;
  void (*read)(lua_State* L, Load& load, const Executor& executor);
};

constexpr FieldReader kReaders[] = {
    {"vus", [](lua_State* L, Load& o, const Executor& e) { o.vus = count_field(L, "vus", e.what, e.least_vus); }},
    {"start_vus",
     [](lua_State* L, Load& o, const Executor& e) { o.vus = count_field(L, "start_vus", e.what, e.least_vus); }},
    {"max_vus", [](lua_State* L, Load& o, const Executor& e) { o.max_vus = count_field(L, "max_vus", e.what); }},
    {"iterations",
     [](lua_State* L, Load& o, const Executor& e) { o.iterations = count_field(L, "iterations", e.what); }},
    {"duration",
     [](lua_State* L, Load& o, const Executor& e) { o.duration = duration_field(L, 1, "duration", e.what); }},
    {"max_duration", [](lua_State* L, Load& o, const Executor& e) { o.max_duration = limit_field(L, e.what); }},
    {"rate", [](lua_State* L, Load& o, const Executor& e) { o.rate = Rate{*number_field(L, 1, "rate", e.what)}; }},
    {"start_rate", [](lua_State* L, Load& o,
                      const Executor& e) { o.rate = Rate{number_field(L, 1, "start_rate", e.what).value_or(0)}; }},
    {"stages", [](lua_State* L, Load& o, const Executor& e) { o.stages = read_stages(L, e.what); }},
    {"backlog",
     [](lua_State* L, Load& o, const Executor& e) {
       o.backlog = duration_field(L, 1, "backlog", e.what).value_or(kDefaultBacklog);
     }},
    {"arrivals", [](lua_State* L, Load& o, const Executor& e) { o.poisson = read_poisson(L, e.what); }},
};

/// The fields in the order of their table, so that a message is about the first one that is wrong.
Load read_fields(lua_State* L, const Executor& executor) {
  check_options(L, 1, executor.what, executor.fields);
  Load load{.kind = executor.kind, .vus = executor.least_vus};
  for (const Key& field : executor.fields.keys) {
    if (field.always) need(L, field.name, executor.what);
    for (const FieldReader& reader : kReaders) {
      if (reader.name == field.name) reader.read(L, load, executor);
    }
  }
  return load;
}

/// The plan's function that opens a VU's stream, where this kind of load has one.
int read_open(lua_State* L, const Executor& executor) {
  if (executor.kind != Kind::held_streams) return LUA_NOREF;
  get_field(L, 1, "open");
  check_function(L, -1, fmt::format("{}: open", executor.what));
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

consteval std::size_t index_of(Kind kind) {
  std::size_t i = 0;
  while (kExecutors[i].kind != kind) ++i;
  return i;
}

template <Kind kind>
int make_load(lua_State* L) {
  constexpr const Executor& executor = kExecutors[index_of(kind)];
  Load load = read_fields(L, executor);
  const int open = read_open(L, executor);
  if (const Outcome ok = check_load(load); !ok) raise(L, fmt::format("{}: {}", executor.what, ok.error().message));
  push_object<LoadValue>(L, LoadValue{std::move(load), open});
  return 1;
}

/// lgen.load.given(scenario, field)
int given(lua_State* L) {
  constexpr const char* kFunction = "lgen.load.given";
  const std::string_view scenario = check_string(L, 1, fmt::format("{}: scenario", kFunction));
  std::string field(check_string(L, 2, fmt::format("{}: field", kFunction)));
  std::replace(field.begin(), field.end(), '_', '-');
  const auto fields = scenario_fields();
  if (std::find(fields.begin(), fields.end(), field) == fields.end()) {
    raise(L, fmt::format("{}: '{}' is none of: {}", kFunction, field, fmt::join(fields, ", ")));
  }
  const LoadOverride* last = nullptr;
  for (const LoadOverride& one : host_of(L).settings.load_overrides) {
    if (one.field == field && (one.scenario.empty() || one.scenario == scenario)) last = &one;
  }
  if (last == nullptr) return 0;
  push(L, last->value);
  return 1;
}

constexpr Binding kLoad[] = {
    {"constant_vus", make_load<Kind::constant_vus>, "fun(o: lgen.ConstantVus): lgen.Load",
     "[R] So many VUs, each one iteration after another, for so long."},
    {"ramping_vus", make_load<Kind::ramping_vus>, "fun(o: lgen.RampingVus): lgen.Load",
     "[R] VUs whose number goes in straight lines from stage to stage."},
    {"constant_rate", make_load<Kind::constant_rate>, "fun(o: lgen.ConstantRate): lgen.Load",
     "[R] Iterations start at their own times, however long they take (open model); response times run from then."},
    {"ramping_rate", make_load<Kind::ramping_rate>, "fun(o: lgen.RampingRate): lgen.Load",
     "[R] The same at a rate that goes in straight lines from stage to stage."},
    {"per_vu_iterations", make_load<Kind::per_vu_iterations>, "fun(o: lgen.Iterations): lgen.Load",
     "[R] Every VU runs so many iterations."},
    {"shared_iterations", make_load<Kind::shared_iterations>, "fun(o: lgen.Iterations): lgen.Load",
     "[R] So many iterations in all, taken by whichever VU is free."},
    {"held_streams", make_load<Kind::held_streams>, "fun(o: lgen.HeldStreams): lgen.Load",
     "[R] Streams whose number goes by stages: each VU holds one; run(vu, stream) is called again and again to feed "
     "it, and when the VU leaves, the stream is closed. One that ends by itself is counted by its status and opened "
     "anew for the next run. Without run its messages are read."},
    {"external", make_load<Kind::external>, "fun(o: lgen.External): lgen.Load",
     "[R] As many VUs as lgen.scale says while it runs."},
    {"given", given, "fun(scenario: string, field: string): string?",
     "[R] What --FIELD, the environment or a config file says of that scenario's load: \"100\" by --rate 100; nil: "
     "nothing. It overrides what the load has without being asked for here; this is for plans with a load of another "
     "kind for those who give a rate."},
};

constexpr Binding kNoMethods[] = {{"kind", nullptr, "string", "Which executor."}};

int load_property(lua_State* L) {
  const LoadValue& value = check_object<LoadValue>(L, 1, "load");
  if (to_view(L, 2) != "kind") return 0;
  push(L, to_string(value.load.kind));
  return 1;
}

}  // namespace

const Module kLoadModule{.name = "lgen.load",
                         .doc = "How much work a scenario does, and when.",
                         .bindings = kLoad,
                         .option_tables = kLoadOptions};
const Module kLoadClass{.name = "lgen.Load",
                        .doc = "A load, made by lgen.load.*.",
                        .bindings = kNoMethods,
                        .object = &LoadValue::kType,
                        .collect = collect_object<LoadValue>,
                        .property = load_property};

}  // namespace lgen::lua
