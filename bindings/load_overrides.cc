#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "lgen/units.h"
#include "mod_load.h"
#include "stage_text.h"

namespace lgen::lua {
namespace {

using Kind = Load::Kind;

Error usage(std::string message) { return make_error(ErrorCode::invalid_argument, std::move(message)); }

bool has_stages(Kind kind) {
  return kind == Kind::ramping_vus || kind == Kind::ramping_rate || kind == Kind::held_streams;
}

bool by_iterations(Kind kind) { return kind == Kind::per_vu_iterations || kind == Kind::shared_iterations; }
bool by_rate(Kind kind) { return kind == Kind::constant_rate || kind == Kind::ramping_rate; }

/// What --FIELD, or FIELD in a config file, sets in a scenario with this kind of load: one of these.
struct Target {
  std::uint64_t* count = nullptr;
  std::optional<Duration>* duration = nullptr;
  double* rate = nullptr;
  Duration* wait = nullptr;
  bool* poisson = nullptr;
  bool* flag = nullptr;
  std::vector<Stage>* stages = nullptr;
  bool from_zero = false;  // numbers

  bool any() const { return count || duration || rate || wait || poisson || flag || stages; }
};

/// The fields that a config file alone sets.
void add_fields_of_files(Target& target, ScenarioSpec& spec, std::string_view field) {
  Load& load = spec.load;
  if (field == "max-duration" && by_iterations(load.kind)) target.duration = &load.max_duration;
  if (field == "backlog" && by_rate(load.kind)) target.wait = &load.backlog;
  if (field == "arrivals" && by_rate(load.kind)) target.poisson = &load.poisson;
  if (field == "stages" && has_stages(load.kind)) target.stages = &load.stages;
  if (field == "start-rate" && load.kind == Kind::ramping_rate) target.rate = &load.rate.per_second;
  if (field == "start-vus" && load.kind == Kind::ramping_vus) target.count = &load.vus;
  if (field == "start-after") target.wait = &spec.start_after;
  if (field == "graceful-stop") target.wait = &spec.graceful_stop;
  if (field == "background") target.flag = &spec.background;
  target.from_zero = field == "start-rate" || field == "start-vus";
}

Target target_of(ScenarioSpec& spec, std::string_view field) {
  Load& load = spec.load;
  const bool iterates = by_iterations(load.kind), has_rate = by_rate(load.kind);
  Target target;
  if (field == "vus" && !has_rate) target.count = &load.vus;
  if (field == "iterations" && iterates) target.count = &load.iterations;
  if (field == "max-vus" && (has_rate || load.kind == Kind::external)) target.count = &load.max_vus;
  if (field == "rate" && has_rate) target.rate = &load.rate.per_second;
  if (field == "duration") target.duration = iterates ? &load.max_duration : &load.duration;
  add_fields_of_files(target, spec, field);
  return target;
}

bool has_field(const ScenarioSpec& spec, std::string_view field) {
  ScenarioSpec probe = spec;
  return target_of(probe, field).any();
}

Error no_such_field(const LoadOverride& wanted, const ScenarioSpec& spec) {
  const bool should_be_max_vus = by_rate(spec.load.kind) && wanted.field == "vus";
  return usage(fmt::format("{}: scenario '{}' has the load {}, which has no {}{}", said_as(wanted), spec.name,
                           to_string(spec.load.kind), wanted.field,
                           should_be_max_vus
                               ? fmt::format("; --max-vus {}={} limits how many run at a time", spec.name, wanted.value)
                               : ""));
}

Error bad_value(const LoadOverride& wanted, std::string_view what) {
  return usage(fmt::format("{}: {}", said_as(wanted), what));
}

template <class T>
Outcome set_number(T& to, const LoadOverride& wanted, bool from_zero, std::string_view what) {
  T value{};
  const char* end = wanted.value.data() + wanted.value.size();
  const auto [stop, error] = std::from_chars(wanted.value.data(), end, value);
  const bool in_range = value > T{0} || (from_zero && value == T{0});
  if (error != std::errc{} || stop != end || !in_range) {
    return bad_value(wanted, fmt::format("'{}' is no number {}", wanted.value, from_zero ? "of at least 0" : what));
  }
  to = value;
  return Done{};
}

Outcome set_bool(bool& to, const LoadOverride& wanted, std::string_view no, std::string_view yes) {
  if (wanted.value != no && wanted.value != yes) {
    return bad_value(wanted, fmt::format("'{}' is neither {} nor {}", wanted.value, no, yes));
  }
  to = wanted.value == yes;
  return Done{};
}

Outcome set_stages(std::vector<Stage>& to, const LoadOverride& wanted) {
  auto stages = parse_stages(wanted.value);
  if (!stages) return bad_value(wanted, stages.error().message);
  to = std::move(*stages);
  return Done{};
}

Outcome apply(const Target& target, const LoadOverride& wanted) {
  if (target.count) return set_number(*target.count, wanted, target.from_zero, "of at least 1");
  if (target.rate) return set_number(*target.rate, wanted, target.from_zero, "above 0");
  if (target.poisson) return set_bool(*target.poisson, wanted, "even", "poisson");
  if (target.flag) return set_bool(*target.flag, wanted, "false", "true");
  if (target.stages) return set_stages(*target.stages, wanted);
  const auto duration = parse_duration(wanted.value);
  if (!duration) return bad_value(wanted, duration.error().message);
  target.wait ? (void)(*target.wait = *duration) : (void)(*target.duration = *duration);
  return Done{};
}

/// What of a load with stages has been overridden, and by what.
struct Replaced {
  const LoadOverride *number = nullptr, *duration = nullptr;
};

Error half_replaced(const LoadOverride& half, std::string_view scenario, std::string_view number) {
  const std::string form =
      half.scenario.empty() ? fmt::format("; --{} NAME={} is for one scenario alone", half.field, half.value) : "";
  return usage(
      fmt::format("{}: scenario '{}' has stages; --{} and --duration together replace them by a constant "
                  "load, --time-scale runs them faster{}",
                  said_as(half), scenario, number, form));
}

/// The stages give way to one number for one duration.
Outcome replace_stages(Load& load, std::string_view scenario, Replaced replaced) {
  if (!replaced.number && !replaced.duration) return Done{};
  if (!replaced.number || !replaced.duration) {
    return half_replaced(replaced.number ? *replaced.number : *replaced.duration, scenario,
                         load.kind == Kind::ramping_rate ? "rate" : "vus");
  }
  if (load.kind == Kind::held_streams) {
    load.stages = {{*load.duration, static_cast<double>(load.vus)}};
    load.duration.reset();
    return Done{};
  }
  load.kind = load.kind == Kind::ramping_rate ? Kind::constant_rate : Kind::constant_vus;
  load.stages.clear();
  return Done{};
}

/// The load, whose stages a file sets, as it would be had nobody replaced its stages before.
void take_back(Replaced& replaced, Load& load, const Load& plan) {
  if (replaced.number) (load.kind == Kind::ramping_rate ? (void)(load.rate = plan.rate) : (void)(load.vus = plan.vus));
  if (replaced.duration) load.duration = plan.duration;
  replaced = {};
}

}  // namespace

std::string said_as(const LoadOverride& wanted) { return wanted.where.empty() ? "--" + wanted.field : wanted.where; }

Outcome override_scenario(ScenarioSpec& spec, const FixedFields& fixed, const Settings& settings) {
  const Load plan = spec.load;
  Replaced replaced;
  std::string said;
  for (const LoadOverride& wanted : settings.load_overrides) {
    if (!wanted.scenario.empty() && wanted.scenario != spec.name) continue;
    if (const auto at = fixed.find(wanted.field); at != fixed.end()) {
      return bad_value(wanted, fmt::format("scenario '{}' decides that itself: {}", spec.name, at->second));
    }
    if (!has_field(spec, wanted.field)) {
      if (wanted.scenario.empty()) continue;
      return no_such_field(wanted, spec);
    }
    if (const Outcome applied = apply(target_of(spec, wanted.field), wanted); !applied) return applied;
    if (wanted.field == "stages") take_back(replaced, spec.load, plan);
    if (wanted.field == "duration") replaced.duration = &wanted;
    if (wanted.field == "vus" || wanted.field == "rate") replaced.number = &wanted;
    if (!wanted.where.empty()) said += (said.empty() ? "" : ", ") + wanted.where;
  }
  if (has_stages(spec.load.kind)) {
    if (const Outcome ok = replace_stages(spec.load, spec.name, replaced); !ok) return ok;
  }
  if (const Outcome ok = check_load(spec.load); !ok) {
    return usage(fmt::format("{}scenario '{}': {}", said.empty() ? "" : said + ": ", spec.name, ok.error().message));
  }
  return Done{};
}

Outcome check_overrides_used(const Settings& settings, const std::vector<const ScenarioSpec*>& scenarios) {
  for (const LoadOverride& wanted : settings.load_overrides) {
    const auto has_it = [&](const ScenarioSpec* one) { return has_field(*one, wanted.field); };
    if (!wanted.scenario.empty() || std::any_of(scenarios.begin(), scenarios.end(), has_it)) continue;
    if (scenarios.empty()) continue;
    if (scenarios.size() == 1) return no_such_field(wanted, *scenarios[0]);
    std::vector<std::string> kinds;
    for (const ScenarioSpec* one : scenarios)
      kinds.push_back(fmt::format("{}: {}", one->name, to_string(one->load.kind)));
    return bad_value(wanted, fmt::format("no scenario's load has {} ({})", wanted.field, fmt::join(kinds, ", ")));
  }
  return Done{};
}

}  // namespace lgen::lua
