// The words of `lgen PLAN ...` as a plan and its options, joined with the environment and a config file.
// Thread: pure function.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lgen/error.h"
#include "lgen/settings.h"
#include "words.h"

namespace lgen::cli {

struct Arguments {
  std::string plan;
  std::vector<std::string> plan_args;                               // what the engine does not know, in order
  std::vector<std::pair<std::string, std::string>> config_options;  // "options" of --config FILE
  EngineOptions options;
  std::optional<std::string> plan_text;  // of a plan that is in no file; `plan` is its name then
  std::string (*in_our_words)(const std::string& message) = nullptr;  // of such a plan: why it does not load
};

/// Reads --config FILE and the environment too.
Result<Arguments> arguments_of(const Words& words);

}  // namespace lgen::cli
