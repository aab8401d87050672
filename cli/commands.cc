#include "commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "lgen/log.h"
#include "one_dash.h"

namespace lgen::cli {
namespace {

constexpr const Command* kCommands[] = {&kRunCommand,     &kCheckCommand,   &kBenchCommand,      &kNewCommand,
                                        &kTypesCommand,   &kReportCommand,  &kListCommand,       &kDescribeCommand,
                                        &kCallCommand,    &kAnalyzeCommand, &kCompletionCommand, &kManCommand,
                                        &kVersionCommand, &kHelpCommand};

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
  if (!command.engine_options) return rows;
  const auto is_own = [&](const OptionRow& row) {
    return std::any_of(command.options.begin(), command.options.end(),
                       [&](const auto& o) { return o.name == row.name; });
  };
  for (const OptionRow& row : engine_options()) {
    if (!is_own(row)) rows.push_back(&row);
  }
  return rows;
}

Result<Words> parse_words(const Command& command, const std::vector<std::string>& args) {
  const std::vector<const OptionRow*> rows = rows_of(command);
  const auto words = command.one_dash ? double_dashes(rows, command.aliases, args) : args;
  if (!words) return words.error();
  return sort_words(rows, *words, command.takes_plan ? UnknownOptions::after_first_operand : UnknownOptions::refused);
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
