// Lua source for values: what `lgen bench --print-plan` and `lgen new` write.
// Thread: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lgen::cli {

struct LuaEntry;

/// An expression, or a table of such.
struct LuaValue {
  std::string expression;         // of a table: empty
  std::vector<LuaEntry> entries;  // in order
  bool is_table = false;
};

struct LuaEntry {
  std::string key;  // as written in front of the equals sign: "name", "[5]"; "" in a list
  LuaValue value;
  std::string comment = {};  // behind the entry, which then has a line of its own
};

/// A string literal; valid UTF-8 stays readable, everything else becomes \ddd.
std::string lua_string(std::string_view text);
/// `name` as a key of a table constructor: name, or ["end"].
std::string lua_key(std::string_view name);
bool is_lua_name(std::string_view text);

/// On one line where it fits and no entry has a comment; the lines after the first are indented by `indent` spaces.
std::string print_lua(const LuaValue& value, std::size_t indent);

}  // namespace lgen::cli
