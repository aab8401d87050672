// What --help prints: for lgen alone, for a command, and for a plan with its own options in front.
// Thread: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "commands.h"
#include "lgen/plan.h"

namespace lgen::cli {

/// "-n, --total N", "--trace[=N]".
std::string flag_of(const OptionRow& row);

/// Breaks `text` at spaces into lines of at most `width` characters.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

std::string general_help();
std::string command_help(const Command& command);
std::string plan_help(const std::string& path, const Plan& plan);

}  // namespace lgen::cli
