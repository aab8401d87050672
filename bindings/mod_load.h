// lgen.load.*: a load as a value that lgen.scenario takes.
// Thread: the loop's.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lgen/runner.h"
#include "lgen/schedule.h"
#include "lgen/settings.h"
#include "stack.h"

namespace lgen::lua {

struct LoadValue {
  static constexpr ObjectType kType{"lgen.Load"};
  Load load;
  int open = LUA_NOREF;  // held_streams: the plan's function that opens a VU's stream
};

/// The field `stages` of the table at 1: {duration = "30s", target = 10} or {"30s", 10} each. Raises where the form is
/// wrong; what their numbers must be depends on what they are for.
std::vector<Stage> read_stages(lua_State* L, std::string_view what);

/// Fields that the plan alone decides, by their name in load_overrides, and why: {"vus", "one for each channel; use
/// --channels"}.
using FixedFields = std::map<std::string, std::string, std::less<>>;

/// Applies those of settings.load_overrides that name the scenario (or none): flags, and fields in a config file. Fails
/// on a fixed field, and on one that the kind of load has not, if the scenario is named.
///
/// Stages have neither one number nor one duration. As in k6 a number and a duration together replace them by a
/// constant load; one of the two alone is refused, where k6 would take a default for the other one.
Outcome override_scenario(ScenarioSpec& spec, const FixedFields& fixed, const Settings& settings);

/// Fails when an override names no scenario, and not one of all scenarios has that field.
Outcome check_overrides_used(const Settings& settings, const std::vector<const ScenarioSpec*>& scenarios);

/// "--rate", or the place in a config file.
std::string said_as(const LoadOverride& wanted);

}  // namespace lgen::lua
