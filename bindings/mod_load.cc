#include "mod_load.h"

#include <fmt/format.h>

#include <charconv>

#include "lgen/units.h"
#include "modules.h"

namespace lgen::lua {
namespace {

constexpr std::int64_t kMost = std::int64_t{1} << 53;

constexpr Key kConstantVusKeys[] = {
    {"vus", "integer", "number of virtual users, default 1"},
    {"duration", "lgen.Duration", "how long they run", true},
};
constexpr Key kIterationKeys[] = {
    {"vus", "integer", "number of virtual users, default 1"},
    {"iterations", "integer", "per VU, or shared by all; default 1"},
    {"max_duration", "lgen.Duration", "ends the load even if iterations are left; default 10m"},
};
constexpr KeySet kConstantVus{"lgen.ConstantVus", kConstantVusKeys};
constexpr KeySet kIterations{"lgen.Iterations", kIterationKeys};
constexpr KeySet kLoadOptions[] = {kConstantVus, kIterations};

std::uint64_t count_field(lua_State* L, const char* key, std::string_view what) {
  return static_cast<std::uint64_t>(integer_field(L, 1, key, what, 1, kMost).value_or(1));
}

int push_load(lua_State* L, Load load, std::string_view what) {
  if (const Outcome ok = check_load(load); !ok) raise(L, fmt::format("{}: {}", what, ok.error().message));
  push_object<LoadValue>(L, LoadValue{load});
  return 1;
}

int constant_vus(lua_State* L) {
  constexpr std::string_view kWhat = "lgen.load.constant_vus";
  check_options(L, 1, kWhat, kConstantVus);
  Load load{.kind = Load::Kind::constant_vus};
  load.vus = count_field(L, "vus", kWhat);
  load.duration = duration_field(L, 1, "duration", kWhat);
  if (!load.duration) raise(L, "lgen.load.constant_vus: duration is missing");
  return push_load(L, load, kWhat);
}

int iteration_load(lua_State* L, Load::Kind kind, std::string_view what) {
  check_options(L, 1, what, kIterations);
  Load load{.kind = kind};
  load.vus = count_field(L, "vus", what);
  load.iterations = count_field(L, "iterations", what);
  load.max_duration = duration_field(L, 1, "max_duration", what);
  return push_load(L, load, what);
}

int per_vu_iterations(lua_State* L) {
  return iteration_load(L, Load::Kind::per_vu_iterations, "lgen.load.per_vu_iterations");
}

int shared_iterations(lua_State* L) {
  return iteration_load(L, Load::Kind::shared_iterations, "lgen.load.shared_iterations");
}

Error no_such_field(const LoadOverride& wanted, std::string_view scenario, const Load& load) {
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("--{}: scenario '{}' has the load {}, which has no {}", wanted.field, scenario,
                                to_string(load.kind), wanted.field));
}

Outcome set_count(std::uint64_t& field, const LoadOverride& wanted) {
  std::uint64_t value = 0;
  const char* end = wanted.value.data() + wanted.value.size();
  const auto [stop, error] = std::from_chars(wanted.value.data(), end, value);
  if (error != std::errc{} || stop != end || value == 0) {
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("--{}: '{}' is no number of at least 1", wanted.field, wanted.value));
  }
  field = value;
  return Done{};
}

Outcome apply(Load& load, std::string_view scenario, const LoadOverride& wanted) {
  if (wanted.field == "vus") return set_count(load.vus, wanted);
  const bool by_iterations = load.kind != Load::Kind::constant_vus;
  if (wanted.field == "iterations") {
    return by_iterations ? set_count(load.iterations, wanted) : no_such_field(wanted, scenario, load);
  }
  const auto duration = parse_duration(wanted.value);
  if (!duration) {
    return make_error(ErrorCode::invalid_argument, fmt::format("--{}: {}", wanted.field, duration.error().message));
  }
  (by_iterations ? load.max_duration : load.duration) = *duration;
  return Done{};
}

constexpr Binding kLoad[] = {
    {"constant_vus", constant_vus, "fun(o: lgen.ConstantVus): lgen.Load",
     "[R] So many VUs, each one iteration after another, for so long."},
    {"per_vu_iterations", per_vu_iterations, "fun(o: lgen.Iterations): lgen.Load",
     "[R] Every VU runs so many iterations."},
    {"shared_iterations", shared_iterations, "fun(o: lgen.Iterations): lgen.Load",
     "[R] So many iterations in all, taken by whichever VU is free."},
};

constexpr Binding kNoMethods[] = {{"kind", nullptr, "string", "Which executor."}};

int load_property(lua_State* L) {
  const LoadValue& value = check_object<LoadValue>(L, 1, "load");
  if (to_view(L, 2) != "kind") return 0;
  push(L, to_string(value.load.kind));
  return 1;
}

}  // namespace

bool is_load_field(std::string_view name) { return name == "vus" || name == "duration" || name == "iterations"; }

Outcome override_load(Load& load, std::string_view scenario, const FixedFields& fixed, const Settings& settings) {
  for (const LoadOverride& wanted : settings.load_overrides) {
    if (!wanted.scenario.empty() && wanted.scenario != scenario) continue;
    if (const auto at = fixed.find(wanted.field); at != fixed.end()) {
      return make_error(ErrorCode::invalid_argument,
                        fmt::format("--{}: scenario '{}' decides that itself: {}", wanted.field, scenario, at->second));
    }
    if (const Outcome applied = apply(load, scenario, wanted); !applied) return applied;
  }
  return check_load(load);
}

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
