// Each script is a fixed frame around lists made of the tables. What is no option's value is a command (the first
// word), a word of the command's own, or a file. A plan's own options are asked of `lgen PLAN --help`.
#include "shell_completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "commands.h"
#include "lgen/embedded.h"
#include "value_hints.h"

namespace lgen {
extern const EmbeddedFile kCompletionFrame[];
}  // namespace lgen

namespace lgen::cli {
namespace {

/// Words that may stand where a command's first operand stands.
std::vector<std::string_view> operand_words(const Command& command) {
  if (&command == &kHelpCommand) return command_names();
  if (&command == &kAnalyzeCommand) return {"logs"};
  if (&command == &kCompletionCommand) return {"bash", "zsh", "fish"};
  if (&command == &kCtlCommand) return {"status", "pause", "resume", "scale", "stop"};
  return {};
}

/// Whether operands are files; else they are addresses, methods, or the words above.
bool takes_files(const Command& command) {
  return command.takes_plan || &command == &kNewCommand || &command == &kTypesCommand || &command == &kReportCommand ||
         &command == &kAnalyzeCommand;
}

std::string joined(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, " ")); }

// ---- bash ----

std::string bash_options(const Command& command) {
  std::vector<std::string> flags;
  for (const OptionRow* row : rows_of(command)) {
    flags.push_back(fmt::format("--{}", row->name));
    if (command.one_dash) flags.push_back(fmt::format("-{}", row->name));
    if (row->letter) flags.push_back(fmt::format("-{}", row->letter));
  }
  flags.emplace_back("--help");
  return fmt::format("    {}) printf '%s' '{}' ;;\n", command.name, joined(flags));
}

/// One line for every kind of value: the options that take it, then what completes it.
std::string bash_values(const Command& command) {
  std::vector<std::pair<std::string, std::string>> kinds;  // what completes, patterns
  for (const OptionRow* row : rows_of(command)) {
    if (row->value.empty() || row->value.starts_with('[')) continue;
    const ValueHints hints = hints_of(*row);
    const std::string what = hints.files ? "file" : hints.folders ? "folder" : "words " + joined(hints.words);
    std::string pattern = fmt::format("\"{} {}\"", command.name, row->name);
    if (row->letter) pattern += fmt::format(" | \"{} {}\"", command.name, row->letter);
    auto at = std::find_if(kinds.begin(), kinds.end(), [&](const auto& kind) { return kind.first == what; });
    if (at == kinds.end()) {
      kinds.emplace_back(what, pattern);
    } else {
      at->second += " | " + pattern;
    }
  }
  std::string out;
  for (const auto& [what, patterns] : kinds) out += fmt::format("    {}) printf '%s' '{}' ;;\n", patterns, what);
  return out;
}

std::string bash_operands() {
  std::string out;
  for (const Command* command : commands()) {
    const auto words = operand_words(*command);
    if (!words.empty()) out += fmt::format("    {}) printf '%s' '{}' ;;\n", command->name, fmt::join(words, " "));
  }
  return out;
}

std::string bash_files() {
  std::vector<std::string_view> names;
  for (const Command* command : commands()) {
    if (takes_files(*command)) names.push_back(command->name);
  }
  return fmt::format("{}", fmt::join(names, " | "));
}

// ---- zsh ----

/// Inside '...[help]:name:': brackets, colons and backslashes are escaped, quotes doubled out.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return out;
}

std::string zsh_action(const OptionRow& row) {
  const ValueHints hints = hints_of(row);
  if (hints.files) return "_files";
  if (hints.folders) return "_files -/";
  if (hints.words.empty()) return " ";
  if (hints.words.front().ends_with('=')) {  // the value goes on behind it
    return fmt::format("{{ if compset -P \"*=\"; then _files; else compadd -S \"\" -- {}; fi }}", joined(hints.words));
  }
  return fmt::format("({})", joined(hints.words));
}

std::string zsh_option(const Command& command, const OptionRow& row) {
  const bool needs = needs_value(row);
  const std::string help = fmt::format("[{}]", zsh_text(row.help));
  const std::string value = needs ? fmt::format(":{}:{}", zsh_text(row.value), zsh_action(row)) : "";
  const std::string once = row.repeatable ? "*" : "";
  const std::string_view equals = needs ? "=" : "";  // the value is another word, or follows a '='
  std::string out = fmt::format("        '{}--{}{}{}{}'\n", once, row.name, equals, help, value);
  if (command.one_dash) out += fmt::format("        '{}-{}{}{}{}'\n", once, row.name, equals, help, value);
  if (row.letter) out += fmt::format("        '{}-{}{}{}'\n", once, row.letter, help, value);
  return out;
}

std::string zsh_arguments(const Command& command) {
  std::string out = fmt::format("    {})\n      options=(\n", command.name);
  for (const OptionRow* row : rows_of(command)) out += zsh_option(command, *row);
  const auto words = operand_words(command);
  const std::string operand = words.empty() ? "" : fmt::format("        '1:word:({})'\n", fmt::join(words, " "));
  return out + "        '(- *)--help[what there is]'\n" + operand +
         fmt::format("        '*:{}'\n      ) ;;\n", takes_files(command) ? "file:_files" : " : ");
}

// A plan's own options stand in its help under "Plan:".
constexpr std::string_view kZshTail = R"zsh(  esac
  if [[ $command == run && $words[2] == *.lua && -r $words[2] ]]; then
    options+=(${(f)"$($program $words[2] --help 2>/dev/null </dev/null |
      sed -n '/^Plan:/,/^$/s/^  \(--[A-Za-z0-9_-]*\).*/\1[of the plan]/p')"})
  fi
  _arguments -S $options
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _lgen "$@"; else compdef _lgen lgen; fi
)zsh";

// ---- fish ----

std::string fish_text(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\'' || c == '\\' ? fmt::format("\\{}", c) : std::string(1, c);
  return "'" + out + "'";
}

std::string fish_values(const OptionRow& row) {
  const ValueHints hints = hints_of(row);
  if (!needs_value(row)) return "";
  if (hints.files) return " -r -F";
  if (hints.folders) return " -x -a '(__fish_complete_directories)'";
  return hints.words.empty() ? " -x" : fmt::format(" -x -a '{}'", joined(hints.words));
}

std::string fish_option(const Command& command, const OptionRow& row) {
  const std::string letter = row.letter ? fmt::format(" -s {}", row.letter) : "";
  return fmt::format("complete -c lgen -n '__lgen_is {}' {}{}{} -d {}\n", command.name,
                     command.one_dash ? fmt::format("-o {0} -l {0}", row.name) : fmt::format("-l {}", row.name), letter,
                     fish_values(row), fish_text(row.help));
}

std::string fish_command(const Command& command) {
  std::string out =
      fmt::format("\ncomplete -c lgen -n __lgen_first -a {} -d {}\n", command.name, fish_text(command.help));
  for (const OptionRow* row : rows_of(command)) out += fish_option(command, *row);
  if (!takes_files(command)) out += fmt::format("complete -c lgen -n '__lgen_is {}' -f\n", command.name);
  const auto words = operand_words(command);
  if (!words.empty()) {
    out += fmt::format("complete -c lgen -n '__lgen_is {}; and __lgen_second' -a '{}'\n", command.name,
                       fmt::join(words, " "));
  }
  return out;
}

/// The command is the first word, or run; a plan's own options stand in its help under "Plan:".
constexpr std::string_view kFishHead = R"fish(
function __lgen_is
  set -l words (commandline -opc)
  set -l command run
  if set -q words[2]; and contains -- $words[2] COMMANDS
    set command $words[2]
  end
  test $command = $argv[1]
end

function __lgen_first
  test (count (commandline -opc)) -eq 1
end

function __lgen_second
  test (count (commandline -opc)) -eq 2
end

function __lgen_plan_options
  set -l words (commandline -opc)
  set -l program $words[1]
  if test "$words[2]" = run
    set -e words[2]
  end
  if string match -q -- '*.lua' $words[2]; and test -r $words[2]
    $program $words[2] --help 2>/dev/null </dev/null |
      sed -n '/^Plan:/,/^$/s/^  \(--[A-Za-z0-9_-]*\).*/\1\tof the plan/p'
  end
end

complete -c lgen -n '__lgen_is run' -a '(__lgen_plan_options)'
complete -c lgen -l help -s h -d 'what there is'
)fish";

}  // namespace

std::string bash_completion() {
  std::string options, values;
  for (const Command* command : commands()) {
    options += bash_options(*command);
    values += bash_values(*command);
  }
  return "# bash completion for lgen, made by `lgen completion bash`\n"
         "_lgen_commands='" +
         fmt::format("{}", fmt::join(command_names(), " ")) + "'\n\n_lgen_options() {\n  case $1 in\n" + options +
         "  esac\n}\n\n_lgen_operands() {\n  case $1 in\n" + bash_operands() +
         "  esac\n}\n\n_lgen_takes_files() {\n  case $1 in\n    " + bash_files() +
         ") return 0 ;;\n  esac\n  return 1\n}\n\n_lgen_value() {\n  case $1 in\n" + values + "  esac\n}\n" +
         std::string(kCompletionFrame[0].text);
}

std::string zsh_completion() {
  std::string list, arguments;
  for (const Command* command : commands()) {
    list += fmt::format("    '{}:{}'\n", command->name, zsh_text(command->help));
    arguments += zsh_arguments(*command);
  }
  return "#compdef lgen\n# zsh completion for lgen, made by `lgen completion zsh`\n\n_lgen() {\n"
         "  local -a commands options\n  commands=(\n" +
         list +
         "  )\n  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n    _describe command commands\n"
         "    _files -g '*.lua'\n    return\n  fi\n  local command=run program=$words[1]\n"
         "  if (( ${commands[(I)${words[2]}:*]} )); then command=$words[2]; shift words; (( CURRENT-- )); fi\n"
         "  case $command in\n" +
         arguments + std::string(kZshTail);
}

std::string fish_completion() {
  std::string out = "# fish completion for lgen, made by `lgen completion fish`\n";
  constexpr std::string_view kCommands = "COMMANDS";
  std::string head(kFishHead);
  out += head.replace(head.find(kCommands), kCommands.size(), fmt::format("{}", fmt::join(command_names(), " ")));
  for (const Command* command : commands()) out += fish_command(*command);
  return out;
}

}  // namespace lgen::cli
