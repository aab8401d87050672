// Tags: what a plan or a user may call the labels it adds to everything that is counted, and how many sets of them.
// Thread: the loop's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <lua.hpp>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "lgen/metrics.h"

namespace lgen::lua {

/// Why `name` cannot be a tag: it is no word of letters, digits and _, or a label that lgen sets itself. "" when it
/// can.
std::string tag_problem(std::string_view name);

/// Raises "WHAT: tag 'code': ..." when `name` cannot be a tag.
void check_tag_name(lua_State* L, std::string_view name, std::string_view what);

/// The value of a tag, field or label: a text, a number as tostring writes it, a boolean.
std::string label_text(lua_State* L, int index, std::string_view what);

/// Bounds the sets of tags that are counted apart. A value of its own for every call would make a series of each
/// metric, and a call site, for every call.
class TagLimit {
 public:
  static constexpr std::size_t kMaxSets = 1000;

  /// The plan gives a tag `name`, at the line that runs in L; the first such line is what a warning names.
  void given(lua_State* L, std::string_view name);
  /// `asked` as long as it is one of the first kMaxSets sets. After that `base`, the tags of the scenario, with
  /// overflow="true"; the first time that is told in the log. Both are sorted, and so is what is returned.
  Labels admit(const Labels& asked, const Labels& base);
  /// "" as long as nothing was folded, else what a reader of the report has to know.
  std::string note() const;

 private:
  std::string culprit() const;

  std::set<Labels> sets_;
  std::map<std::string, std::string, std::less<>> places_;  // by name: "plan.lua:12"
  std::string words_;                                       // the warning, once there is one
  std::uint64_t folded_ = 0;
};

}  // namespace lgen::lua
