#include "tags.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "lgen/log.h"
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

std::string label_text(lua_State* L, int index, std::string_view what) {
  if (lua_isboolean(L, index)) return lua_toboolean(L, index) ? "true" : "false";
  if (lua_type(L, index) == LUA_TNUMBER) return fmt::format("{:.14g}", lua_tonumber(L, index));
  return std::string(check_string(L, index, what));
}

void TagLimit::given(lua_State* L, std::string_view name) {
  if (places_.contains(name)) return;
  std::string place = where(L);
  if (place.ends_with(": ")) place.resize(place.size() - 2);
  places_.emplace(name, std::move(place));
}

Labels TagLimit::admit(const Labels& asked, const Labels& base) {
  if (asked == base || sets_.contains(asked)) return asked;
  if (sets_.size() < kMaxSets) return *sets_.insert(asked).first;
  if (folded_++ == 0) {
    words_ =
        fmt::format("more than {} sets of tags; further ones are counted together with the label overflow=\"true\" {}",
                    kMaxSets, culprit());
    log(LogLevel::warn, "tags: " + words_);
  }
  Labels shared = base;
  shared.emplace_back("overflow", "true");
  std::sort(shared.begin(), shared.end());
  return shared;
}

std::string TagLimit::note() const {
  return folded_ == 0 ? "" : fmt::format("tags: {}; that was done {} times", words_, folded_);
}

/// The tag with the most values, and where the plan gives it.
std::string TagLimit::culprit() const {
  std::map<std::string_view, std::set<std::string_view>> values;
  for (const Labels& tags : sets_) {
    for (const auto& [name, value] : tags) values[name].insert(value);
  }
  const auto fewer = [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); };
  const auto& [name, its_values] = *std::max_element(values.begin(), values.end(), fewer);
  const auto place = places_.find(name);
  const bool known = place != places_.end() && !place->second.empty();
  return fmt::format("('{}'{} has {} values; use fewer)", name, known ? " of " + place->second : "", its_values.size());
}

}  // namespace lgen::lua
