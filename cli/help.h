// What --help prints: for lgen alone, and for a plan with its own options in front.
// Thread: pure functions.
#pragma once

#include <string>

#include "lgen/plan.h"

namespace lgen::cli {

std::string general_help();
std::string plan_help(const std::string& path, const Plan& plan);

}  // namespace lgen::cli
