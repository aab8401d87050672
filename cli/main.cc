// lgen: picks the subcommand; everything that is none is a plan to run.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <system_error>

#include "commands.h"
#include "exit_code.h"
#include "help.h"
#include "lgen/process.h"
#include "summary_file.h"

namespace lgen::cli {
namespace {

/// `lgen -plaintext HOST:PORT list`, as grpcurl has it.
std::string command_for_address(const std::vector<std::string>& args) {
  const auto address = std::find_if(args.begin(), args.end(), [](const std::string& word) {
    return !word.starts_with('-') && word.find(':') != std::string::npos && check_address(word);
  });
  if (address == args.end() || !args[0].starts_with('-')) return "";
  const bool describes = address + 1 != args.end() && address[1] == "describe";
  const bool lists = address + 1 == args.end() || address[1] == "list";
  return fmt::format(". To look at a server the command comes first: lgen {} {}",
                     describes ? "describe"
                     : lists   ? "list"
                               : "call",
                     *address);
}

int run_command(const Command& command, const std::vector<std::string>& args) {
  auto words = parse_words(command, args);
  if (!words) {
    const std::string place = command.takes_plan ? "" : fmt::format("{}: ", command.name);
    complain(place + words.error().message + (&command == &kRunCommand ? command_for_address(args) : ""));
    return kConfiguration;
  }
  if (words->help && &command != &kRunCommand) {  // which prints its plan's
    return show_on_stdout(command_help(command));
  }
  return command.run(std::move(*words));
}

int dispatch(const std::vector<std::string>& args) {
  const bool alone = args.size() == 1;  // `lgen --help PLAN.lua` asks for the plan's help
  if (args.empty() || (alone && (args[0] == "--help" || args[0] == "-h"))) return run_command(kHelpCommand, {});
  if (args[0] == "--version") return run_command(kVersionCommand, {});
  const Command* command = find_command(args[0]);
  return command ? run_command(*command, {args.begin() + 1, args.end()}) : run_command(kRunCommand, args);
}

int cannot_print(const std::error_code& why) {
  complain(fmt::format("cannot write standard output: {}", why.message()));
  return kOutputFailed;
}

/// fmt::print throws where standard output takes nothing; what is still buffered fails at the end.
int print_and_exit(const std::vector<std::string>& args) {
  try {
    const int code = dispatch(args);
    if (std::fflush(stdout) != 0 && code == kOk) return cannot_print({errno, std::generic_category()});
    return code;
  } catch (const std::system_error& error) {
    return cannot_print(error.code());
  }
}

}  // namespace
}  // namespace lgen::cli

int main(int argc, char** argv) {
  lgen::prepare_process();
  std::signal(SIGPIPE, SIG_IGN);
  return lgen::cli::print_and_exit({argv + 1, argv + argc});
}
