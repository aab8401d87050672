// Names of tags: what a plan or a user may call the labels it adds to everything that is counted.
// Thread: pure functions.
#pragma once

#include <lua.hpp>
#include <string>
#include <string_view>

namespace lgen::lua {

/// Why `name` cannot be a tag: it is no word of letters, digits and _, or a label that lgen sets itself. "" when it
/// can.
std::string tag_problem(std::string_view name);

/// Raises "WHAT: tag 'code': ..." when `name` cannot be a tag.
void check_tag_name(lua_State* L, std::string_view name, std::string_view what);

}  // namespace lgen::lua
