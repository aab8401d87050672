// lgen(1), made of the tables of commands, options and exit codes.
// Thread: pure function.
#pragma once

#include <string>

namespace lgen::cli {

/// In roff's man macros.
std::string manual();

}  // namespace lgen::cli
