#include "words.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>

#include "lgen/units.h"

namespace lgen::cli {
namespace {

using Rows = std::vector<const OptionRow*>;

Error usage(std::string message) { return make_error(ErrorCode::invalid_argument, std::move(message)); }

const OptionRow* find_long(const Rows& rows, std::string_view name) {
  const auto at = std::find_if(rows.begin(), rows.end(), [&](const OptionRow* row) { return row->name == name; });
  return at == rows.end() ? nullptr : *at;
}

const OptionRow* find_letter(const Rows& rows, char letter) {
  const auto at = std::find_if(rows.begin(), rows.end(), [&](const OptionRow* row) { return row->letter == letter; });
  return at == rows.end() ? nullptr : *at;
}

/// A word that begins an option, taken apart.
struct Flag {
  std::string name;  // without dashes
  bool is_long = false;
  bool has_value = false;  // "--name=value", "-n5"
  const OptionRow* row = nullptr;
};

Flag take_apart(const Rows& rows, const std::string& word) {
  Flag flag;
  flag.is_long = word.starts_with("--");
  if (flag.is_long) {
    const std::size_t equals = word.find('=');
    flag.name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
    flag.has_value = equals != std::string::npos;
    flag.row = find_long(rows, flag.name);
  } else {
    flag.name = word.substr(1, 1);
    flag.has_value = word.size() > 2;
    flag.row = find_letter(rows, word[1]);
  }
  return flag;
}

bool is_help(const Flag& flag) { return flag.name == (flag.is_long ? "help" : "h") && !flag.has_value; }

/// Options in front of the plan can only be the engine's: the plan that might declare others is not known yet.
Error unknown_option(const Rows& rows, const Flag& flag, UnknownOptions unknown) {
  const std::string_view hint = unknown == UnknownOptions::refused ? "" : "; options of a plan come after the plan";
  if (!flag.is_long) return usage(fmt::format("unknown option -{}{}", flag.name, hint));
  std::vector<std::string_view> names;
  for (const OptionRow* row : rows) names.push_back(row->name);
  const std::string_view guess = did_you_mean(flag.name, names);
  return usage(fmt::format("unknown option --{}{}{}", flag.name,
                           guess.empty() ? "" : fmt::format(" (did you mean '--{}'?)", guess), hint));
}

/// The first letter of "-abc" that the table does not know.
Outcome check_letters(const Rows& rows, const std::string& word, UnknownOptions unknown) {
  for (std::size_t i = 2; i < word.size(); ++i) {
    if (!find_letter(rows, word[i])) return unknown_option(rows, {.name = word.substr(i, 1)}, unknown);
  }
  return Done{};
}

/// Refuses what the table does not know, and options without their value, before CLI11 sees them: its messages name
/// neither what was meant nor what is missing.
Outcome check_words(const Rows& rows, const std::vector<std::string>& args, UnknownOptions unknown) {
  bool operand_seen = false;
  for (std::size_t i = 0; i < args.size() && args[i] != "--"; ++i) {
    if (args[i].size() < 2 || args[i][0] != '-') {
      operand_seen = true;
      continue;
    }
    const Flag flag = take_apart(rows, args[i]);
    const bool may_be_the_plans = unknown == UnknownOptions::after_first_operand && operand_seen;
    if (!flag.row && !may_be_the_plans && !is_help(flag)) return unknown_option(rows, flag, unknown);
    if (flag.row && !flag.is_long && !needs_value(*flag.row)) {
      if (const Outcome known = check_letters(rows, args[i], unknown); !known) return known;
    }
    if (flag.row && may_have_value(*flag.row) && !flag.has_value && may_be_the_plans && i + 1 < args.size() &&
        !args[i + 1].starts_with('-')) {
      return usage(fmt::format("--{0}: its value is joined with '=': --{0}={1}", flag.row->name, args[i + 1]));
    }
    if (!flag.row || flag.has_value || !needs_value(*flag.row)) continue;
    if (++i == args.size()) {
      return usage(
          fmt::format("{}{}: its value is missing: {}", flag.is_long ? "--" : "-", flag.name, flag.row->value));
    }
  }
  return Done{};
}

/// Where CLI11 puts the values of one option.
struct Slot {
  const OptionRow* row;
  CLI::Option* parsed = nullptr;
  std::vector<std::string> values = {};
};

/// "--trace", "--trace=5" (never "--trace 5": the 5 could be the plan), "--tls", "--target X".
void declare(CLI::App& app, Slot& slot) {
  const OptionRow& row = *slot.row;
  const std::string flag = row.letter ? fmt::format("-{},--{}", row.letter, row.name) : fmt::format("--{}", row.name);
  if (!needs_value(row)) {
    slot.parsed = app.add_flag(flag, slot.values);
    return;
  }
  slot.parsed = app.add_option(flag, slot.values)->allow_extra_args(false);
  slot.parsed->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

/// Of an option that is not repeatable the last value counts. A flag without value reads "true" in CLI11; the options
/// that may have a value take that as "alone".
std::vector<std::string> values_of(const Slot& slot) {
  std::vector<std::string> values = slot.values;
  if (!slot.row->repeatable) values.erase(values.begin(), values.end() - 1);
  if (may_have_value(*slot.row)) std::replace(values.begin(), values.end(), std::string("true"), std::string());
  return values;
}

/// What CLI11 knew nothing of: operands, and a plan's options behind the first of them.
void sort_remaining(std::vector<std::string> remaining, UnknownOptions unknown, Words& words) {
  if (unknown == UnknownOptions::refused) {
    std::erase(remaining, "--");
    words.operands = std::move(remaining);
  } else if (!remaining.empty()) {
    words.operands = {remaining.front()};
    words.rest.assign(remaining.begin() + 1, remaining.end());
  }
}

}  // namespace

std::string Words::text(std::string_view name, std::string_view fallback) const {
  const auto at = options.find(name);
  return at == options.end() || at->second.empty() ? std::string(fallback) : at->second.back();
}

std::vector<std::string> Words::all(std::string_view name) const {
  const auto at = options.find(name);
  return at == options.end() ? std::vector<std::string>() : at->second;
}

Words without(Words words, std::span<const OptionRow> rows) {
  for (const OptionRow& row : rows) words.options.erase(std::string(row.name));
  return words;
}

std::vector<std::string> split_commas(const std::vector<std::string>& texts) {
  std::vector<std::string> parts;
  for (std::string_view text : texts) {
    for (std::size_t comma; (comma = text.find(',')) != std::string_view::npos; text.remove_prefix(comma + 1)) {
      parts.emplace_back(text.substr(0, comma));
    }
    parts.emplace_back(text);
  }
  return parts;
}

bool may_have_value(const OptionRow& row) { return row.value.starts_with('[') && row.value.ends_with(']'); }
bool needs_value(const OptionRow& row) { return !row.value.empty() && !may_have_value(row); }

Result<Words> sort_words(const Rows& rows, std::vector<std::string> args, UnknownOptions unknown) {
  if (const Outcome known = check_words(rows, args, unknown); !known) return known.error();
  CLI::App app;
  Words words;
  std::deque<Slot> slots;  // their addresses stay
  app.set_help_flag("");
  app.allow_extras();
  app.add_flag("-h,--help", words.help);
  for (const OptionRow* row : rows) declare(app, slots.emplace_back(Slot{row}));
  try {
    std::reverse(args.begin(), args.end());  // CLI11 takes them from the back
    app.parse(args);
  } catch (const CLI::ParseError& e) {
    return usage(e.what());
  }
  for (const Slot& slot : slots) {
    if (slot.parsed->count() > 0) words.options[std::string(slot.row->name)] = values_of(slot);
  }
  sort_remaining(app.remaining(), unknown, words);
  return words;
}

}  // namespace lgen::cli
