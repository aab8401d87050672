// Names as people order them: "ch2" before "ch10".
// Thread: pure functions.
#pragma once

#include <string_view>

namespace lgen {

/// A strict order: of names that differ only in leading zeros, "ch02" and "ch2", the bytes decide.
bool natural_less(std::string_view a, std::string_view b);

}  // namespace lgen
