#include "value_hints.h"

#include <algorithm>
#include <string_view>

namespace lgen::cli {

ValueHints hints_of(const OptionRow& row) {
  const std::string_view value = row.value;
  if (value == "FILE") return {.files = true};
  if (value.starts_with("DIR")) return {.folders = true};
  if (value.ends_with("=FILE")) return {.words = {"json="}};
  const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || c == '|'; };
  if (!std::all_of(value.begin(), value.end(), is_word)) return {};  // HOST:PORT, N, [SPEC]
  ValueHints hints;
  for (std::string_view rest = value; !rest.empty();) {
    const std::string_view word = rest.substr(0, rest.find('|'));
    hints.words.emplace_back(word);
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  }
  return hints;
}

}  // namespace lgen::cli
