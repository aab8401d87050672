#include <cerrno>
#include <cstring>
#include <filesystem>

#include "data_files.h"
#include "data_source.h"

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

Result<DataSet> read_lines(const std::string& path) {
  auto file = open_data(path);
  if (!file) return file.error();
  DataSet set;
  const std::size_t column = set.column("");
  for (std::string line; std::getline(**file, line);) {
    if (line.ends_with('\r')) line.pop_back();
    set.put(column, line);
    set.add_row();
  }
  if ((*file)->bad()) return bad_file(path, std::strerror(errno));
  return set;
}

}  // namespace lgen::lua
