// lgen.load.*: a load as a value that lgen.scenario takes.
// Thread: the loop's.
#pragma once

#include "lgen/schedule.h"
#include "lgen/settings.h"
#include "stack.h"

namespace lgen::lua {

struct LoadValue {
  static constexpr ObjectType kType{"lgen.Load"};
  Load load;
};

/// Applies --vus, --duration, --iterations that name `scenario` (or none). Fails on a field the kind of load has not.
Outcome override_load(Load& load, std::string_view scenario, const Settings& settings);

}  // namespace lgen::lua
