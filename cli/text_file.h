// A whole file as a text.
// Thread: any.
#pragma once

#include <string>

#include "lgen/error.h"

namespace lgen::cli {

/// "-" is standard input. The error is ready to print: "cannot read x.json: No such file or directory".
Result<std::string> read_text_file(const std::string& path);

}  // namespace lgen::cli
