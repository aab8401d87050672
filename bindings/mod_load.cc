#include "mod_load.h"

#include <fmt/format.h>

#include <cmath>

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

std::uint64_t count_field(lua_State* L, const char* key, std::string_view what, std::int64_t least = 1) {
  return static_cast<std::uint64_t>(integer_field(L, 1, key, what, least, kMost).value_or(least));
}

/// Raises "WHAT: KEY is missing".
void need(lua_State* L, const char* key, std::string_view what) {
  if (!get_field(L, 1, key)) raise(L, fmt::format("{}: {} is missing", what, key));
  lua_pop(L, 1);
}

int push_load(lua_State* L, Load load, std::string_view what, int open = LUA_NOREF) {
  if (const Outcome ok = check_load(load); !ok) raise(L, fmt::format("{}: {}", what, ok.error().message));
  push_object<LoadValue>(L, LoadValue{std::move(load), open});
  return 1;
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

/// The form of every stage; what their numbers must be is said by check_load().
std::vector<Stage> read_stages(lua_State* L, std::string_view what) {
  need(L, "stages", what);
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

/// max_vus, backlog and arrivals.
void read_arrivals(lua_State* L, Load& load, std::string_view what) {
  need(L, "max_vus", what);
  load.max_vus = count_field(L, "max_vus", what);
  load.backlog = duration_field(L, 1, "backlog", what).value_or(kDefaultBacklog);
  const std::string arrivals = string_field(L, 1, "arrivals", what).value_or("even");
  if (arrivals != "even" && arrivals != "poisson") {
    raise(L, fmt::format("{}: arrivals: '{}' is neither even nor poisson", what, arrivals));
  }
  load.poisson = arrivals == "poisson";
}

int constant_vus(lua_State* L) {
  constexpr std::string_view kWhat = "lgen.load.constant_vus";
  check_options(L, 1, kWhat, kConstantVus);
  Load load{.kind = Kind::constant_vus};
  load.vus = count_field(L, "vus", kWhat);
  need(L, "duration", kWhat);
  load.duration = duration_field(L, 1, "duration", kWhat);
  return push_load(L, std::move(load), kWhat);
}

/// math.huge: none.
std::optional<Duration> limit_field(lua_State* L, std::string_view what) {
  lua_getfield(L, 1, "max_duration");
  const bool none = lua_type(L, -1) == LUA_TNUMBER && lua_tonumber(L, -1) == HUGE_VAL;
  lua_pop(L, 1);
  return none ? kNoLimit : duration_field(L, 1, "max_duration", what);
}

int iteration_load(lua_State* L, Kind kind, std::string_view what) {
  check_options(L, 1, what, kIterations);
  Load load{.kind = kind};
  load.vus = count_field(L, "vus", what);
  load.iterations = count_field(L, "iterations", what);
  load.max_duration = limit_field(L, what);
  return push_load(L, std::move(load), what);
}

int per_vu_iterations(lua_State* L) {
  return iteration_load(L, Kind::per_vu_iterations, "lgen.load.per_vu_iterations");
}

int shared_iterations(lua_State* L) {
  return iteration_load(L, Kind::shared_iterations, "lgen.load.shared_iterations");
}

int ramping_vus(lua_State* L) {
  constexpr std::string_view kWhat = "lgen.load.ramping_vus";
  check_options(L, 1, kWhat, kRampingVus);
  Load load{.kind = Kind::ramping_vus};
  load.stages = read_stages(L, kWhat);
  load.vus = count_field(L, "start_vus", kWhat, 0);
  return push_load(L, std::move(load), kWhat);
}

int constant_rate(lua_State* L) {
  constexpr std::string_view kWhat = "lgen.load.constant_rate";
  check_options(L, 1, kWhat, kConstantRate);
  Load load{.kind = Kind::constant_rate};
  need(L, "rate", kWhat);
  load.rate = Rate{*number_field(L, 1, "rate", kWhat)};
  need(L, "duration", kWhat);
  load.duration = duration_field(L, 1, "duration", kWhat);
  read_arrivals(L, load, kWhat);
  return push_load(L, std::move(load), kWhat);
}

int ramping_rate(lua_State* L) {
  constexpr std::string_view kWhat = "lgen.load.ramping_rate";
  check_options(L, 1, kWhat, kRampingRate);
  Load load{.kind = Kind::ramping_rate};
  load.stages = read_stages(L, kWhat);
  load.rate = Rate{number_field(L, 1, "start_rate", kWhat).value_or(0)};
  read_arrivals(L, load, kWhat);
  return push_load(L, std::move(load), kWhat);
}

int held_streams(lua_State* L) {
  constexpr std::string_view kWhat = "lgen.load.held_streams";
  check_options(L, 1, kWhat, kHeldStreams);
  Load load{.kind = Kind::held_streams};
  load.stages = read_stages(L, kWhat);
  load.vus = 0;
  need(L, "open", kWhat);
  get_field(L, 1, "open");
  check_function(L, -1, fmt::format("{}: open", kWhat));
  const int open = luaL_ref(L, LUA_REGISTRYINDEX);
  return push_load(L, std::move(load), kWhat, open);
}

int external(lua_State* L) {
  constexpr std::string_view kWhat = "lgen.load.external";
  check_options(L, 1, kWhat, kExternal);
  Load load{.kind = Kind::external};
  load.vus = count_field(L, "vus", kWhat, 0);
  need(L, "max_vus", kWhat);
  load.max_vus = count_field(L, "max_vus", kWhat);
  need(L, "duration", kWhat);
  load.duration = duration_field(L, 1, "duration", kWhat);
  return push_load(L, std::move(load), kWhat);
}

constexpr Binding kLoad[] = {
    {"constant_vus", constant_vus, "fun(o: lgen.ConstantVus): lgen.Load",
     "[R] So many VUs, each one iteration after another, for so long."},
    {"ramping_vus", ramping_vus, "fun(o: lgen.RampingVus): lgen.Load",
     "[R] VUs whose number goes in straight lines from stage to stage."},
    {"constant_rate", constant_rate, "fun(o: lgen.ConstantRate): lgen.Load",
     "[R] Iterations start at their own times, however long they take (open model); response times run from then."},
    {"ramping_rate", ramping_rate, "fun(o: lgen.RampingRate): lgen.Load",
     "[R] The same at a rate that goes in straight lines from stage to stage."},
    {"per_vu_iterations", per_vu_iterations, "fun(o: lgen.Iterations): lgen.Load",
     "[R] Every VU runs so many iterations."},
    {"shared_iterations", shared_iterations, "fun(o: lgen.Iterations): lgen.Load",
     "[R] So many iterations in all, taken by whichever VU is free."},
    {"held_streams", held_streams, "fun(o: lgen.HeldStreams): lgen.Load",
     "[R] Streams whose number goes by stages: each VU holds one; run(vu, stream) is called again and again to feed "
     "it, and when the VU leaves, the stream is closed. One that ends by itself is counted by its status and opened "
     "anew for the next run. Without run its messages are read."},
    {"external", external, "fun(o: lgen.External): lgen.Load", "[R] As many VUs as lgen.scale says while it runs."},
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
