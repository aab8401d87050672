// What a command line that CLI11 refuses is answered with: the program, the flag, and what was probably meant.
//
// *Thread:* pure, but for refuse_flags, which prints.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace lgen::server {

// The exit code of a command line that is wrong.
constexpr int kUsageError = 104;

// "unknown flag --blance (did you mean --balance?)" for what the app does not know, else CLI11's own words.
std::string flag_error(const CLI::App& app, const CLI::ParseError& error);

// Prints what --help or --version asked for, or the error; returns the code to exit with.
int refuse_flags(const CLI::App& app, const CLI::ParseError& error);

// The one of `names` that is nearest to `word`, if that is near enough to have been meant; else nothing.
std::string nearest(const std::vector<std::string>& names, const std::string& word);

}  // namespace lgen::server
