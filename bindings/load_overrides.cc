#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "lgen/units.h"
#include "mod_load.h"

namespace lgen::lua {
namespace {

using Kind = Load::Kind;

Error usage(std::string message) { return make_error(ErrorCode::invalid_argument, std::move(message)); }

bool has_stages(Kind kind) {
  return kind == Kind::ramping_vus || kind == Kind::ramping_rate || kind == Kind::held_streams;
}

/// What --FIELD sets in this kind of load.
struct Target {
  std::uint64_t* count = nullptr;
  std::optional<Duration>* duration = nullptr;
  double* rate = nullptr;
};

Target target_of(Load& load, std::string_view field) {
  const bool by_iterations = load.kind == Kind::per_vu_iterations || load.kind == Kind::shared_iterations;
  const bool by_rate = load.kind == Kind::constant_rate || load.kind == Kind::ramping_rate;
  Target target;
  if (field == "vus" && !by_rate) target.count = &load.vus;
  if (field == "iterations" && by_iterations) target.count = &load.iterations;
  if (field == "max-vus" && (by_rate || load.kind == Kind::external)) target.count = &load.max_vus;
  if (field == "rate" && by_rate) target.rate = &load.rate.per_second;
  if (field == "duration") target.duration = by_iterations ? &load.max_duration : &load.duration;
  return target;
}

bool has_field(const Load& load, std::string_view field) {
  Load probe = load;
  const Target target = target_of(probe, field);
  return target.count || target.duration || target.rate;
}

Error no_such_field(const LoadOverride& wanted, std::string_view scenario, const Load& load) {
  const bool by_rate = load.kind == Kind::constant_rate || load.kind == Kind::ramping_rate;
  return usage(fmt::format("{0}: scenario '{1}' has the load {2}, which has no {3}{4}", said_as(wanted), scenario,
                           to_string(load.kind), wanted.field,
                           by_rate && wanted.field == "vus"
                               ? fmt::format("; --max-vus {}={} limits how many run at a time", scenario, wanted.value)
                               : ""));
}

template <class T>
Result<T> parse(const LoadOverride& wanted, std::string_view what) {
  T value{};
  const char* end = wanted.value.data() + wanted.value.size();
  const auto [stop, error] = std::from_chars(wanted.value.data(), end, value);
  if (error == std::errc{} && stop == end && value > T{0}) return value;
  return usage(fmt::format("{}: '{}' is no number {}", said_as(wanted), wanted.value, what));
}

Outcome apply(const Target& target, const LoadOverride& wanted) {
  if (target.count) {
    const auto count = parse<std::uint64_t>(wanted, "of at least 1");
    if (!count) return count.error();
    *target.count = *count;
  } else if (target.rate) {
    const auto rate = parse<double>(wanted, "above 0");
    if (!rate) return rate.error();
    *target.rate = *rate;
  } else {
    const auto duration = parse_duration(wanted.value);
    if (!duration) return usage(fmt::format("{}: {}", said_as(wanted), duration.error().message));
    *target.duration = *duration;
  }
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

}  // namespace

std::string said_as(const LoadOverride& wanted) { return wanted.where.empty() ? "--" + wanted.field : wanted.where; }

std::string load_flag(std::string field) {
  std::replace(field.begin(), field.end(), '_', '-');
  const auto flags = load_fields();
  return std::find(flags.begin(), flags.end(), field) != flags.end() ? field : "";
}

Outcome override_load(Load& load, std::string_view scenario, const FixedFields& fixed, const Settings& settings) {
  Replaced replaced;
  for (const LoadOverride& wanted : settings.load_overrides) {
    if (!wanted.scenario.empty() && wanted.scenario != scenario) continue;
    if (const auto at = fixed.find(wanted.field); at != fixed.end()) {
      return usage(fmt::format("{}: scenario '{}' decides that itself: {}", said_as(wanted), scenario, at->second));
    }
    if (!has_field(load, wanted.field)) {
      if (wanted.scenario.empty()) continue;
      return no_such_field(wanted, scenario, load);
    }
    if (const Outcome applied = apply(target_of(load, wanted.field), wanted); !applied) return applied;
    if (wanted.field == "duration") replaced.duration = &wanted;
    if (wanted.field == "vus" || wanted.field == "rate") replaced.number = &wanted;
  }
  if (has_stages(load.kind)) {
    if (const Outcome ok = replace_stages(load, scenario, replaced); !ok) return ok;
  }
  if (const Outcome ok = check_load(load); !ok) {
    return usage(fmt::format("scenario '{}': {}", scenario, ok.error().message));
  }
  return Done{};
}

Outcome check_overrides_used(const Settings& settings, const std::vector<std::pair<std::string, Load>>& loads) {
  for (const LoadOverride& wanted : settings.load_overrides) {
    const auto has_it = [&](const auto& one) { return has_field(one.second, wanted.field); };
    if (!wanted.scenario.empty() || loads.empty() || std::any_of(loads.begin(), loads.end(), has_it)) continue;
    if (loads.size() == 1) return no_such_field(wanted, loads[0].first, loads[0].second);
    std::vector<std::string> kinds;
    for (const auto& [scenario, load] : loads) kinds.push_back(fmt::format("{}: {}", scenario, to_string(load.kind)));
    return usage(
        fmt::format("{}: no scenario's load has {} ({})", said_as(wanted), wanted.field, fmt::join(kinds, ", ")));
  }
  return Done{};
}

}  // namespace lgen::lua
