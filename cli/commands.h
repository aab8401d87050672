// The subcommands. Each takes the words after its name and returns the exit code.
// Thread: the main thread.
#pragma once

#include <string>
#include <vector>

namespace lgen::cli {

int run(std::vector<std::string> args);
int check(std::vector<std::string> args);
int analyze(std::vector<std::string> args);
int report(std::vector<std::string> args);
int version();

/// Prints "lgen: MESSAGE" on stderr.
void complain(const std::string& message);

}  // namespace lgen::cli
