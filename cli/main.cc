// lgen: picks the subcommand; everything that is none is a plan to run.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "commands.h"
#include "help.h"
#include "lgen/process.h"
#include "lgen/version.h"

namespace lgen::cli {

void complain(const std::string& message) { fmt::print(stderr, "lgen: {}\n", message); }

int version() {
  fmt::print("lgen {}\n", kVersion);
  return 0;
}

namespace {

int dispatch(std::vector<std::string> args) {
  const bool alone = args.size() == 1;  // `lgen --help PLAN.lua` asks for the plan's help
  if (args.empty() || args[0] == "help" || (alone && (args[0] == "--help" || args[0] == "-h"))) {
    fmt::print("{}", general_help());
    return 0;
  }
  const std::string command = args[0];
  if (command == "version" || command == "--version") return version();
  const std::vector<std::string> rest(args.begin() + 1, args.end());
  if (command == "check") return check(rest);
  if (command == "analyze") return analyze(rest);
  if (command == "report") return report(rest);
  return run(std::move(args));
}

}  // namespace
}  // namespace lgen::cli

int main(int argc, char** argv) {
  lgen::prepare_process();
  std::signal(SIGPIPE, SIG_IGN);
  return lgen::cli::dispatch({argv + 1, argv + argc});
}
