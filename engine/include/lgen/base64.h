// Base64 as RFC 4648 has it.
// Thread: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lgen {

enum class Base64 {
  padded,    // + and /, filled up with = to a multiple of four
  unpadded,  // + and /: metadata of gRPC
  url,       // - and _, unpadded: URLs, file names, tokens
};

std::string to_base64(std::string_view bytes, Base64 form = Base64::padded);

/// Reads all three forms; nothing when `text` is none of them.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace lgen
