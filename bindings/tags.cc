#include "tags.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "stack.h"

namespace lgen::lua {
namespace {

/// Labels of built-in metrics, and those that exporters use.
constexpr std::string_view kTaken[] = {"scenario", "phase",   "name",     "method",   "code", "pool",
                                       "channel",  "backend", "overflow", "quantile", "le"};

bool is_word(std::string_view name) {
  const auto fits = [](unsigned char c) { return std::isalnum(c) || c == '_'; };
  return !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), fits);
}

}  // namespace

std::string tag_problem(std::string_view name) {
  if (!is_word(name)) return fmt::format("tag '{}': a name is a word of letters, digits and _", name);
  if (std::find(std::begin(kTaken), std::end(kTaken), name) == std::end(kTaken)) return "";
  return fmt::format("tag '{}': lgen sets that label itself; choose another name", name);
}

void check_tag_name(lua_State* L, std::string_view name, std::string_view what) {
  const std::string problem = tag_problem(name);
  if (!problem.empty()) raise(L, fmt::format("{}: {}", what, problem));
}

}  // namespace lgen::lua
