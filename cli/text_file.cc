#include "text_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

namespace lgen::cli {

Result<std::string> read_text_file(const std::string& path) {
  std::ostringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
    return text.str();
  }
  std::ifstream file(path, std::ios::binary);
  const bool directory = std::filesystem::is_directory(path);
  if (!file || directory) {
    return make_error(ErrorCode::not_found,
                      fmt::format("cannot read {}: {}", path, directory ? "it is a directory" : std::strerror(errno)));
  }
  text << file.rdbuf();
  return text.str();
}

}  // namespace lgen::cli
