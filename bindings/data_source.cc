#include "data_source.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace lgen::lua {

Result<std::unique_ptr<std::ifstream>> open_data(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return bad_file(path, "it is a directory; name the file");
  auto file = std::make_unique<std::ifstream>(path, std::ios::binary);
  if (!*file) return make_error(ErrorCode::not_found, fmt::format("{}: {}", path, std::strerror(errno)));
  char mark[3] = {};
  const auto got = static_cast<std::size_t>(file->rdbuf()->sgetn(mark, 3));
  const std::string_view begin(mark, got);
  if (begin.starts_with("\xFF\xFE") || begin.starts_with("\xFE\xFF")) {
    return bad_file(path, "it is UTF-16; convert it to UTF-8 (iconv -f utf-16 -t utf-8)");
  }
  const bool marked = begin == "\xEF\xBB\xBF";
  if (got == 0 || (marked && file->peek() == std::ifstream::traits_type::eof())) {
    return bad_file(path, "the file is empty");
  }
  if (!marked) file->rdbuf()->pubseekpos(0);
  return file;
}

}  // namespace lgen::lua
