// A data file, opened and past its byte order mark.
// Thread: one reader.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "lgen/error.h"

namespace lgen::lua {

/// "users.csv:7: what".
inline Error bad_line(const std::string& path, std::size_t line, std::string_view what) {
  return make_error(ErrorCode::invalid_argument, fmt::format("{}:{}: {}", path, line, what));
}
inline Error bad_file(const std::string& path, std::string_view what) {
  return make_error(ErrorCode::invalid_argument, fmt::format("{}: {}", path, what));
}

/// Fails when there is no such file, when it is empty, and when it is UTF-16.
Result<std::unique_ptr<std::ifstream>> open_data(const std::string& path);

}  // namespace lgen::lua
