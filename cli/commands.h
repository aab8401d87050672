// The subcommands in one table: argv is read by it, and --help, shell completion and the manual are made from it.
// Thread: the main thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/settings.h"
#include "words.h"

namespace lgen::cli {

/// Another name of an option.
struct OptionAlias {
  std::string_view name;
  std::string_view option;  // the row's
};

/// An option of the peer whose words a command speaks that lgen does not have, and what to do instead.
struct AbsentOption {
  std::string_view name;  // "load-*": every one that begins so
  std::string_view instead;
};

struct Command {
  std::string_view name;      // "check"
  std::string_view synopsis;  // what follows the name: "PLAN.lua"
  std::string_view help;      // one line, for the list of commands
  std::string_view about;     // more, for its own --help and the manual; paragraphs are separated by newlines
  std::span<const OptionRow> options;
  int (*run)(Words words);      // returns the exit code
  bool engine_options = false;  // the engine's options come after its own, and give way to own ones of the same name
  bool takes_plan = false;      // the first operand is a plan; options unknown behind it are the plan's
  bool one_dash = false;        // its help shows long options with a single dash, as Go's programs take them
  std::span<const OptionAlias> aliases = {};
  std::span<const std::string_view> of_engine = {};  // without `engine_options`: those of the engine it has, too
  std::span<const AbsentOption> absent = {};
};

// Each in the file of its name.
extern const Command kRunCommand, kCheckCommand, kBenchCommand, kNewCommand, kTypesCommand, kReportCommand,
    kDiffCommand, kListCommand, kDescribeCommand, kCallCommand, kCtlCommand, kAnalyzeCommand, kHpaCommand,
    kCompletionCommand, kManCommand, kVersionCommand, kHelpCommand;

/// All of them, in the order of --help.
std::span<const Command* const> commands();
std::vector<std::string_view> command_names();
/// nullptr when there is none of that name.
const Command* find_command(std::string_view name);
/// Its own options and, where it takes them, the engine's.
std::vector<const OptionRow*> rows_of(const Command& command);
/// What stands behind the command's name. Fails on what its table does not know, with a did-you-mean.
Result<Words> parse_words(const Command& command, const std::vector<std::string>& args);

/// "lgen: MESSAGE", each of its findings on a line of its own with the program's name in front.
std::string complaint(std::string_view message);

/// Prints it on stderr.
void complain(const std::string& message);

}  // namespace lgen::cli
