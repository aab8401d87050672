// lgen.load.*: a load as a value that lgen.scenario takes.
// Thread: the loop's.
#pragma once

#include <map>
#include <string>

#include "lgen/schedule.h"
#include "lgen/settings.h"
#include "stack.h"

namespace lgen::lua {

struct LoadValue {
  static constexpr ObjectType kType{"lgen.Load"};
  Load load;
};

/// Load fields that the plan alone decides, and why: {"vus", "one for each channel; use --channels"}.
using FixedFields = std::map<std::string, std::string, std::less<>>;

/// Whether --NAME overrides a field of a load.
bool is_load_field(std::string_view name);

/// Applies --vus, --duration, --iterations that name `scenario` (or none). Fails on a field the kind of load has not,
/// and on a fixed one.
Outcome override_load(Load& load, std::string_view scenario, const FixedFields& fixed, const Settings& settings);

}  // namespace lgen::lua
