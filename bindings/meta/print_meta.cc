// Prints the text of meta/lgen.d.lua, generated from the binding registry.
#include <cstdio>

#include "lgen/plan.h"

int main() {
  const std::string text = lgen::plan_api_meta();
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
}
