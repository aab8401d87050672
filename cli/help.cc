#include "help.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "exit_code.h"
#include "lgen/settings.h"
#include "outputs.h"

namespace lgen::cli {
namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kColumn = 30;  // where the explanations begin

/// "  --name VALUE      what it means", wrapped.
std::string row(const std::string& flag, const std::string& explanation) {
  const std::vector<std::string> lines = wrap(explanation, kWidth - kColumn);
  std::string out = fmt::format("  {:<{}}", flag, kColumn - 2);
  if (flag.size() + 2 >= kColumn) out = fmt::format("  {}\n{:{}}", flag, "", kColumn);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += fmt::format("{:{}}", "", kColumn);
    out += lines[i] + "\n";
  }
  return out;
}

/// What FORMAT may be, where one of the options takes it; without a run only what is made of its summary.
std::string format_rows(const std::vector<const OptionRow*>& rows, bool runs) {
  const bool taken =
      std::any_of(rows.begin(), rows.end(), [](const auto* row) { return row->value.starts_with(kOutputValue); });
  std::string out = taken ? "\nFormats of --out:\n" : "";
  if (!taken) return out;
  for (const OutputFormat& format : output_formats()) {
    if (runs || format.render) out += row(words_of(format), about_format(format));
  }
  return out;
}

/// Under the headings of their groups.
std::string option_rows(const Command& command) {
  const std::vector<const OptionRow*> rows = rows_of(command);
  std::string out;
  std::string_view group;
  for (const OptionRow* option : rows) {
    if (option->group != group || out.empty()) out += fmt::format("\n{}:\n", group = option->group);
    out += row(flag_of(*option), option->fallback.empty() ? std::string(option->help)
                                                          : fmt::format("{} [{}]", option->help, option->fallback));
  }
  return out + (out.empty() ? "\nOptions:\n" : "") + row("-h, --help", "this text") +
         format_rows(rows, command.engine_options);
}

/// `text` wrapped, a paragraph for each of its lines.
std::string paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    out += fmt::format("{}\n", fmt::join(wrap(line, kWidth), "\n"));
  }
  return out;
}

std::string exit_code_rows() {
  std::string out;
  for (const ExitCode& code : exit_codes()) out += row(fmt::format("{}", code.number), std::string(code.meaning));
  return out;
}

std::string placeholder(const PlanOption& option) {
  if (option.type == "bool") return "";
  if (option.type == "choice") return fmt::format(" {}", fmt::join(option.choices, "|"));
  std::string name = option.type == "duration_range" ? "A..B" : option.type;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  for (const std::string& word : option.choices) name += "|" + word;
  return " " + name + (option.list ? "[,...]" : "");
}

std::string plan_row(const PlanOption& option) {
  std::string text = option.help;
  if (option.required) text += " (required)";
  const std::string fallback = option.fallback.value_or("");
  if (!fallback.empty() && option.type != "bool" && !option.secret) text += fmt::format(" [{}]", fallback);
  if (option.type == "bool" && fallback == "true") text += fmt::format(" [on; --no-{} turns it off]", option.name);
  if (!option.env.empty()) text += fmt::format(" (also from {})", option.env);
  return row("--" + option.name + placeholder(option), text);
}

}  // namespace

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width) lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
  }
  return lines;
}

std::string flag_of(const OptionRow& row) {
  const std::string flag = row.letter ? fmt::format("-{}, --{}", row.letter, row.name) : fmt::format("--{}", row.name);
  if (needs_value(row)) return fmt::format("{} {}", flag, row.value);
  return row.value.empty() ? flag : fmt::format("{}[={}]", flag, row.value.substr(1, row.value.size() - 2));
}

std::string general_help() {
  std::string out =
      "lgen: a load generator for gRPC services behind load balancers, scripted in Lua\n"
      "\n"
      "Usage: lgen PLAN.lua --target HOST:PORT [options]\n"
      "       lgen PLAN.lua --help                     the plan's own options\n"
      "       lgen COMMAND --help\n"
      "\n"
      "Commands:\n";
  for (const Command* command : commands()) {
    out += row(fmt::format("{} {}", command->name, command->synopsis), std::string(command->help));
  }
  return out + option_rows(kRunCommand) +
         "\nThese options can be set as LGEN_NAME in the environment, too.\n\nExit codes:\n" + exit_code_rows();
}

std::string command_help(const Command& command) {
  const std::string_view options = rows_of(command).empty() ? "" : " [options]";
  const std::string operands = command.synopsis.empty() ? "" : fmt::format(" {}", command.synopsis);
  const std::string usage = fmt::format("Usage: lgen {}{}{}", command.name, operands, options);
  return fmt::format("{}\n\n{}", fmt::join(wrap(usage, kWidth), "\n"),
                     paragraphs(command.about.empty() ? command.help : command.about)) +
         option_rows(command);
}

std::string plan_help(const std::string& path, const Plan& plan) {
  std::string out = plan.name().empty() ? path : plan.name();
  if (!plan.about().empty()) out += ": " + plan.about();
  out = fmt::format("{}\n\nUsage: lgen {} [options]\n", fmt::join(wrap(out, kWidth), "\n"), path);
  if (!plan.options().empty()) out += "\nPlan:\n";
  for (const PlanOption& option : plan.options()) out += plan_row(option);
  return out + option_rows(kRunCommand);
}

}  // namespace lgen::cli
