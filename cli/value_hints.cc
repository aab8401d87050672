#include "value_hints.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "outputs.h"

namespace lgen::cli {

ValueHints hints_of(const OptionRow& row) {
  const std::string_view value = row.value;
  if (value == "FILE") return {.files = true};
  if (value.starts_with("DIR") || value == "FOLDER") return {.folders = true};
  if (value == kOutputValue || value == kRenderedValue) {
    ValueHints formats;
    for (const OutputFormat& format : output_formats()) {
      if (format.render || value == kOutputValue) formats.words.push_back(fmt::format("{}=", format.name));
    }
    return formats;
  }
  if (value.ends_with("=FILE")) return {.words = {std::string(value.substr(0, value.find('=') + 1))}};
  const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '|'; };
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
