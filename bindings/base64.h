// Base64 as RFC 4648 has it: the plain alphabet with padding, the one for URLs and file names without.
// Thread: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lgen::lua {

/// `url`: with - and _ instead of + and /, and without padding.
std::string to_base64(std::string_view bytes, bool url);
/// Reads both alphabets, with padding or without; nothing when the text is none.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace lgen::lua
