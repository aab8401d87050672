// Bytes written in base64 on the command line.
// Thread: pure function.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lgen::cli {

/// Either alphabet, with or without padding; nothing: it is no base64.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace lgen::cli
