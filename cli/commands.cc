#include "commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "lgen/log.h"
#include "one_dash.h"

namespace lgen::cli {
namespace {

constexpr const Command* kCommands[] = {
    &kRunCommand,  &kCheckCommand,      &kBenchCommand,    &kNewCommand,     &kTypesCommand, &kReportCommand,
    &kDiffCommand, &kListCommand,       &kDescribeCommand, &kCallCommand,    &kCtlCommand,   &kAnalyzeCommand,
    &kHpaCommand,  &kCompletionCommand, &kManCommand,      &kVersionCommand, &kHelpCommand};

}  // namespace

std::span<const Command* const> commands() { return kCommands; }

std::vector<std::string_view> command_names() {
  std::vector<std::string_view> names;
  for (const Command* command : kCommands) names.push_back(command->name);
  return names;
}

const Command* find_command(std::string_view name) {
  const auto* at =
      std::find_if(std::begin(kCommands), std::end(kCommands), [&](const Command* c) { return c->name == name; });
  return at == std::end(kCommands) ? nullptr : *at;
}

std::vector<const OptionRow*> rows_of(const Command& command) {
  std::vector<const OptionRow*> rows;
  for (const OptionRow& row : command.options) rows.push_back(&row);
  const auto& some = command.of_engine;
  const auto is_own = [&](const OptionRow& row) {
    return std::any_of(command.options.begin(), command.options.end(),
                       [&](const auto& o) { return o.name == row.name; });
  };
  for (const OptionRow& row : engine_options()) {
    const bool taken = command.engine_options || std::find(some.begin(), some.end(), row.name) != some.end();
    if (taken && !is_own(row)) rows.push_back(&row);
  }
  return rows;
}

namespace {

/// nullptr when `word` is none of them.
const AbsentOption* find_absent(const Command& command, std::string_view word) {
  const bool one_dash = command.one_dash && word.size() > 2 && word[0] == '-' && word[1] != '-';
  if (!one_dash && !word.starts_with("--")) return nullptr;
  const std::size_t dashes = one_dash ? 1 : 2;
  const std::string_view name = word.substr(dashes, word.find('=') - dashes);
  const auto at = std::find_if(command.absent.begin(), command.absent.end(), [&](const AbsentOption& option) {
    const bool is_family = option.name.ends_with('*');
    return is_family ? name.starts_with(option.name.substr(0, option.name.size() - 1)) : name == option.name;
  });
  return at == command.absent.end() ? nullptr : &*at;
}

Outcome check_absent(const Command& command, const std::vector<std::string>& args) {
  for (const std::string& word : args) {
    if (word == "--") break;
    if (const AbsentOption* option = find_absent(command, word)) {
      return make_error(ErrorCode::invalid_argument,
                        fmt::format("there is no {}; {}", word.substr(0, word.find('=')), option->instead));
    }
  }
  return Done{};
}

}  // namespace

Result<Words> parse_words(const Command& command, const std::vector<std::string>& args) {
  const std::vector<const OptionRow*> rows = rows_of(command);
  if (command.takes_plan) return sort_words(rows, args, UnknownOptions::after_first_operand);
  const OneDash one_dash = command.one_dash ? OneDash::always : OneDash::known_names;
  const auto words = double_dashes(rows, command.aliases, args, one_dash);
  if (!words) {
    const Outcome there = command.one_dash ? check_absent(command, args) : Done{};
    return there ? words.error() : there.error();
  }
  if (const Outcome there = check_absent(command, *words); !there) return there.error();
  return sort_words(rows, *words, UnknownOptions::refused);
}

/// Of several findings each has its line; an indented one goes on with the line before.
std::string complaint(std::string_view message) {
  std::string text;
  for (std::size_t at = 0; at <= message.size();) {
    const std::size_t end = std::min(message.find('\n', at), message.size());
    const std::string_view line = message.substr(at, end - at);
    const bool goes_on = at > 0 && (line.empty() || line.front() == ' ' || line.front() == '\t');
    text += fmt::format("{}{}\n", goes_on ? "" : "lgen: ", line);
    at = end + 1;
  }
  return text;
}

void complain(const std::string& message) { write_stderr(complaint(message)); }

}  // namespace lgen::cli
