#include "flag_errors.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include "standard_streams.h"

namespace lgen::server {
namespace {

// Levenshtein's distance, one row at a time.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row[b.size()];
}

std::vector<std::string> long_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    names.insert(names.end(), option->get_lnames().begin(), option->get_lnames().end());
  }
  return names;
}

// "port" is a word of "grpc-port".
bool has_word(std::string_view name, std::string_view word) {
  return fmt::format("-{}-", name).find(fmt::format("-{}-", word)) != std::string::npos;
}

// All names that the word is a part of, else the closest, if that is close enough.
std::vector<std::string> meant(const std::vector<std::string>& names, const std::string& word) {
  std::vector<std::string> found;
  std::copy_if(names.begin(), names.end(), std::back_inserter(found),
               [&](const std::string& name) { return has_word(name, word); });
  if (!found.empty()) return found;
  const std::string name = nearest(names, word);
  if (!name.empty()) found.push_back(name);
  return found;
}

std::string unknown_word(const CLI::App& app, const std::string& word) {
  if (word.size() < 2 || word[0] != '-') return fmt::format("'{}' belongs to no flag", word);
  const std::string flag = word.substr(0, word.find('='));
  const std::size_t name_at = std::min(flag.find_first_not_of('-'), flag.size());
  std::string hint;
  for (const std::string& name : meant(long_names(app), flag.substr(name_at))) {
    hint += fmt::format("{}--{}", hint.empty() ? "did you mean " : " or ", name);
  }
  return fmt::format("unknown flag {}{}", flag, hint.empty() ? "" : fmt::format(" ({}?)", hint));
}

}  // namespace

std::string nearest(const std::vector<std::string>& names, const std::string& word) {
  std::string found;
  std::size_t best = word.size() / 3 + 1;
  for (const std::string& name : names) {
    const std::size_t distance = edits(word, name);
    if (distance > best || 2 * distance > std::min(word.size(), name.size())) continue;
    if (distance < best || found.empty()) found = name;
    best = distance;
  }
  return found;
}

std::string flag_error(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = app.remaining();
  const bool is_unknown = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !unknown.empty();
  return is_unknown ? unknown_word(app, unknown.front()) : error.what();
}

int refuse_flags(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);
  complain(fmt::format("{0}: {1}; {0} --help lists the flags", app.get_name(), flag_error(app, error)));
  return kUsageError;
}

}  // namespace lgen::server
