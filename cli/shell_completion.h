// Completion scripts for shells, made of the tables of commands and options.
// Thread: pure functions.
#pragma once

#include <string>

namespace lgen::cli {

std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

}  // namespace lgen::cli
