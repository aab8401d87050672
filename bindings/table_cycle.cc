// The search goes down one level further each time, so that the first path found is a shortest one. What lies above the
// table at hand is compared by address; a table that is reached on two ways is no cycle. Going over the upper levels
// again and again costs little: the search is bounded, and happens only when a message has been refused.
#include "table_cycle.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include "stack.h"

namespace lgen::lua {
namespace {

constexpr int kDeepest = 300;           // tables: each of 100 messages may hold a list or map
constexpr int kMostVisits = 1'000'000;  // entries of tables

bool is_name(std::string_view key) {
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !key.empty() && std::isdigit(static_cast<unsigned char>(key[0])) == 0 &&
         std::all_of(key.begin(), key.end(), fits);
}

std::string step(lua_State* L, int key) {
  if (lua_type(L, key) == LUA_TNUMBER) return fmt::format("[{:.14g}]", lua_tonumber(L, key));
  if (lua_type(L, key) != LUA_TSTRING) return fmt::format("[{}]", describe(L, key));
  const std::string_view name = to_view(L, key);
  return is_name(name) ? fmt::format(".{}", name) : fmt::format("[\"{}\"]", name);
}

class Search {
 public:
  explicit Search(lua_State* L) : L_(L) {}

  /// Whether the table at the top of the stack leads into one above it in `levels` steps; path() says how.
  bool closes(int levels) {
    const void* self = lua_topointer(L_, -1);
    above_.push_back(self);
    const bool found = any_entry(levels);
    above_.pop_back();
    return found;
  }
  bool exhausted() const { return visits_ > kMostVisits; }
  /// Whether there was anything at the lowest level looked at.
  bool reached_end() const { return cut_; }
  void next_round() { cut_ = false; }

  std::string path() const {
    std::string all;
    for (auto at = steps_.rbegin(); at != steps_.rend(); ++at) all += *at;
    return all;
  }

 private:
  bool any_entry(int levels) {
    const int table = lua_gettop(L_);
    if (lua_checkstack(L_, 4) == 0) return false;
    for (lua_pushnil(L_); lua_next(L_, table) != 0; lua_pop(L_, 1)) {
      if (++visits_ > kMostVisits) break;
      if (lua_type(L_, -1) != LUA_TTABLE || !leads_up(levels)) continue;
      steps_.push_back(step(L_, -2));
      lua_settop(L_, table);
      return true;
    }
    lua_settop(L_, table);
    return false;
  }

  bool leads_up(int levels) {
    if (std::find(above_.begin(), above_.end(), lua_topointer(L_, -1)) != above_.end()) return true;
    if (levels > 1) return closes(levels - 1);
    cut_ = true;
    return false;
  }

  lua_State* L_;
  std::vector<const void*> above_;
  std::vector<std::string> steps_;  // from the end to the beginning
  int visits_ = 0;
  bool cut_ = false;
};

}  // namespace

std::optional<std::string> find_cycle(lua_State* L, int index) {
  if (lua_type(L, index) != LUA_TTABLE || lua_checkstack(L, 4) == 0) return std::nullopt;
  lua_pushvalue(L, index);
  Search search(L);
  bool found = false;
  for (int levels = 1; levels <= kDeepest && !found && !search.exhausted(); ++levels) {
    search.next_round();
    found = search.closes(levels);
    if (!found && !search.reached_end()) break;
  }
  lua_pop(L, 1);
  return found ? std::optional(search.path()) : std::nullopt;
}

}  // namespace lgen::lua
