// argv of `lgen PLAN ...`: the engine's options by their table, everything else left for the plan.
// Thread: pure function.
#pragma once

#include <string>
#include <vector>

#include "lgen/error.h"
#include "lgen/settings.h"

namespace lgen::cli {

struct Arguments {
  std::string plan;
  std::vector<std::string> plan_args;                               // what the engine does not know, in order
  std::vector<std::pair<std::string, std::string>> config_options;  // "options" of --config FILE
  EngineOptions options;
  bool help = false;
};

/// `args` without the program's name. Reads --config FILE and the environment too.
Result<Arguments> parse_arguments(std::vector<std::string> args);

}  // namespace lgen::cli
