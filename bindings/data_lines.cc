#include <cerrno>
#include <cstring>

#include "data_files.h"
#include "data_source.h"

namespace lgen::lua {

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
