#include "one_dash.h"

#include <fmt/format.h>

#include <algorithm>

#include "lgen/units.h"

namespace lgen::cli {
namespace {

using Rows = std::vector<const OptionRow*>;

const OptionRow* find(const Rows& rows, std::span<const OptionAlias> aliases, std::string_view name) {
  const auto alias = std::find_if(aliases.begin(), aliases.end(), [&](const OptionAlias& a) { return a.name == name; });
  if (alias != aliases.end()) name = alias->option;
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const OptionRow* r) { return r->name == name; });
  return row == rows.end() ? nullptr : *row;
}

/// "name" and, where there is a '=', what follows it.
struct Parts {
  std::string_view name;
  std::string_view rest;  // with the '='
};

Parts split(std::string_view word) {
  word.remove_prefix(std::min(word.find_first_not_of('-'), std::size_t{2}));
  const std::size_t equals = std::min(word.find('='), word.size());
  return {word.substr(0, equals), word.substr(equals)};
}

/// Joined where it begins with a dash and would be taken for an option; an empty one has to stand alone.
void add_value(std::string_view value, std::vector<std::string>& out) {
  if (value.starts_with('-')) {
    out.back().append("=").append(value);
  } else {
    out.emplace_back(value);
  }
}

bool is_long_with_one_dash(std::string_view word, std::string_view name) {
  return name.size() > 1 && word[1] != '-' && !(word[1] >= '0' && word[1] <= '9');
}

Error unknown_option(const Rows& rows, std::string_view name) {
  std::vector<std::string_view> names;
  for (const OptionRow* row : rows) names.push_back(row->name);
  const std::string_view guess = did_you_mean(name, names);
  return make_error(
      ErrorCode::invalid_argument,
      fmt::format("unknown option -{}{}", name, guess.empty() ? "" : fmt::format(" (did you mean '-{}'?)", guess)));
}

/// "-n", whose value is the next word.
bool takes_next(const Rows& rows, const std::string& word) {
  return word.size() == 2 && std::any_of(rows.begin(), rows.end(), [&](const OptionRow* row) {
           return row->letter == word[1] && needs_value(*row);
         });
}

}  // namespace

Result<std::vector<std::string>> double_dashes(const Rows& rows, std::span<const OptionAlias> aliases,
                                               const std::vector<std::string>& args, OneDash one_dash) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& word = args[i];
    if (word == "--") {
      out.insert(out.end(), args.begin() + static_cast<std::ptrdiff_t>(i), args.end());
      break;
    }
    const Parts parts = word.size() > 1 && word[0] == '-' ? split(word) : Parts{};
    const OptionRow* row = parts.name.empty() ? nullptr : find(rows, aliases, parts.name);
    if (row == nullptr) {
      const bool is_long = one_dash == OneDash::always && is_long_with_one_dash(word, parts.name);
      if (is_long && parts.name != "help") return unknown_option(rows, parts.name);
      out.push_back(is_long ? "-" + word : word);
      const bool has_value = one_dash == OneDash::known_names && i + 1 < args.size() && takes_next(rows, word);
      if (has_value) out.push_back(args[++i]);
      continue;
    }
    out.push_back("--" + std::string(row->name));
    if (!needs_value(*row)) {
      out.back() += parts.rest;
    } else if (!parts.rest.empty()) {
      add_value(parts.rest.substr(1), out);
    } else if (i + 1 < args.size()) {
      add_value(args[++i], out);
    } else {
      return make_error(ErrorCode::invalid_argument, fmt::format("{}: its value is missing: {}", word, row->value));
    }
  }
  return out;
}

}  // namespace lgen::cli
