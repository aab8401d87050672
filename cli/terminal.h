// How the terminal on stdout wants its text: colours, columns.
// Thread: the main thread.
#pragma once

#include "lgen/report.h"

namespace lgen::cli {

/// Colours on a terminal unless NO_COLOR is set or `no_color`; 80 columns elsewhere.
ConsoleStyle console_style(bool no_color);

}  // namespace lgen::cli
