// What a shell can offer for the value of an option, told from its placeholder in the table.
// Thread: pure function.
#pragma once

#include <string>
#include <vector>

#include "lgen/settings.h"

namespace lgen::cli {

struct ValueHints {
  bool files = false, folders = false;
  std::vector<std::string> words;  // "fail|warn" -> fail, warn
};

ValueHints hints_of(const OptionRow& row);

}  // namespace lgen::cli
