// What runs a plan, whichever command it comes from.
// Thread: the main thread.
#pragma once

#include <string_view>

#include "arguments.h"
#include "lgen/error.h"

namespace lgen::cli {

/// From the plan's text to the report; returns the exit code.
int run_plan(Arguments arguments);

/// Prints what is wrong; returns the exit code.
int refuse(const Error& error);

/// Prints what a command was asked for; returns the exit code. A reader that has gone is told nothing.
int print_result(std::string_view text);

}  // namespace lgen::cli
