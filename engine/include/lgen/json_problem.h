// What keeps a text from being JSON, for people: where, what belongs there and what stands there instead.
// Thread: a pure function.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace lgen {

struct JsonProblem {
  std::size_t line = 1, column = 1;
  std::string words;  // "expected ',' or '}', found ']'"
};

/// The first one; nothing when `text` is JSON.
std::optional<JsonProblem> json_problem(std::string_view text);

}  // namespace lgen
