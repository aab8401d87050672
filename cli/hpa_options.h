// The options of `lgen hpa simulate`, read into a simulation.
// Thread: pure functions.
#pragma once

#include <span>

#include "lgen/error.h"
#include "lgen/hpa_simulation.h"
#include "lgen/settings.h"
#include "words.h"

namespace lgen::cli {

std::span<const OptionRow> hpa_options();

/// Errors name the option and what is expected of it.
Result<hpa::Simulation> read_simulation(const Words& words);

}  // namespace lgen::cli
