// Compares a text with a file under tests/data; with LGEN_UPDATE_GOLDEN=1 in the environment it writes the file
// instead.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "catch.h"

namespace lgen::test {

inline std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// `name` is relative to tests/data (LGEN_TEST_DATA, set by the test's CMakeLists.txt).
inline void check_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(LGEN_TEST_DATA) + "/" + name;
  if (const char* update = std::getenv("LGEN_UPDATE_GOLDEN"); update && std::string(update) == "1") {
    std::ofstream(path, std::ios::binary) << text;
  }
  INFO("golden file " << path << "; after a wanted change run the test with LGEN_UPDATE_GOLDEN=1 and read the diff");
  CHECK(text == read_text(path));
}

}  // namespace lgen::test
