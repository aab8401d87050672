// `lgen help [COMMAND]` and `lgen version`
#include <fmt/format.h>

#include "commands.h"
#include "exit_code.h"
#include "help.h"
#include "lgen/units.h"
#include "lgen/version.h"
#include "summary_file.h"

namespace lgen::cli {
namespace {

int help(Words words) {
  if (words.operands.empty()) return show_on_stdout(general_help());
  const std::string& name = words.operands.front();
  if (const Command* command = find_command(name)) return show_on_stdout(command_help(*command));
  const std::vector<std::string_view> names = command_names();
  const std::string_view guess = did_you_mean(name, names);
  complain(fmt::format("help: there is no command '{}'{}", name,
                       guess.empty() ? "" : fmt::format(" (did you mean '{}'?)", guess)));
  return kConfiguration;
}

int version(Words) {
  fmt::print("lgen {}\n", kVersion);
  return kOk;
}

}  // namespace

const Command kHelpCommand = {.name = "help",
                              .synopsis = "[COMMAND]",
                              .help = "this text, or a command's",
                              .about = "Prints what there is, or the options of a command.",
                              .run = help};
const Command kVersionCommand = {.name = "version", .help = "print lgen's version", .run = version};

}  // namespace lgen::cli
