// What a simulation of the autoscaler says: a table for people, JSON for programs.
// Thread: pure functions.
#pragma once

#include <string>
#include <vector>

#include "lgen/hpa_simulation.h"
#include "lgen/report.h"

namespace lgen::cli {

/// Rounds in which replicas, readiness or the reason change, or `all` of them; then what came of it.
std::string render_rounds(const hpa::Simulation& simulation, const std::vector<hpa::Round>& rounds, bool all,
                          const ConsoleStyle& style);

/// Every round: at (seconds), load, replicas, ready, desired, usage of each metric or null, conditions.
std::string render_rounds_json(const hpa::Simulation& simulation, const std::vector<hpa::Round>& rounds);

}  // namespace lgen::cli
