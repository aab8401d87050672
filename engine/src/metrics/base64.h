// Base64 with the standard alphabet and padding, as HDR logs and JSON hold it.
// Thread: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lgen::hdr {

std::string base64_encode(std::string_view bytes);

/// Nothing when a character or the padding does not belong.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace lgen::hdr
