// What the commands that read earlier runs, or only print, share.
// Thread: the main thread.
#pragma once

#include <string>
#include <string_view>

#include "lgen/summary.h"

namespace lgen::cli {

/// The summary in a JSON file; "-" is standard input. The error names the file.
Result<Summary> read_summary(const std::string& path);

/// Prints a report or a help. A reader that has seen enough (`| head`) is no failure; 0, or the exit code.
int show_on_stdout(std::string_view text);

}  // namespace lgen::cli
