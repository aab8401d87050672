// lgen.load.*: a load as a value that lgen.scenario takes.
// Thread: the loop's.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lgen/schedule.h"
#include "lgen/settings.h"
#include "stack.h"

namespace lgen::lua {

struct LoadValue {
  static constexpr ObjectType kType{"lgen.Load"};
  Load load;
  int open = LUA_NOREF;  // held_streams: the plan's function that opens a VU's stream
};

/// Load fields that the plan alone decides, by the flag's name, and why: {"vus", "one for each channel; use
/// --channels"}.
using FixedFields = std::map<std::string, std::string, std::less<>>;

/// The flag that overrides a field of a load: "max_vus" -> "max-vus"; "" when none does.
std::string load_flag(std::string field);

/// Applies --vus, --duration, --iterations, --rate and --max-vus that name `scenario` (or none). Fails on a fixed
/// field, and on one that the kind of load has not, if the scenario is named.
///
/// Stages have neither one number nor one duration. As in k6 a number and a duration together replace them by a
/// constant load; one of the two alone is refused, where k6 would take a default for the other one.
Outcome override_load(Load& load, std::string_view scenario, const FixedFields& fixed, const Settings& settings);

/// Fails when an override names no scenario, and not one of all loads, by scenario, has that field.
Outcome check_overrides_used(const Settings& settings, const std::vector<std::pair<std::string, Load>>& loads);

/// "--rate", or the place in a config file.
std::string said_as(const LoadOverride& wanted);

}  // namespace lgen::lua
