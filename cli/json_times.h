// Timestamps and durations as protobuf's JSON has them, as plans write them.
// Thread: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lgen::cli {

/// "2024-05-01T12:00:00.5Z" or with an offset such as +02:00 -> "1714564800.5": seconds since 1970 as Lua source, or
/// the text itself where a double would lose digits.
std::optional<std::string> timestamp_seconds(std::string_view text);
/// "1.5s" -> "1.5".
std::optional<std::string> duration_seconds(std::string_view text);

}  // namespace lgen::cli
