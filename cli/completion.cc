// `lgen completion bash|zsh|fish` and `lgen man`: texts made of the tables of commands and options.
#include <fmt/format.h>

#include <array>

#include "commands.h"
#include "exit_code.h"
#include "lgen/report.h"
#include "manual.h"
#include "run.h"
#include "shell_completion.h"
#include "summary_file.h"

namespace lgen::cli {
namespace {

constexpr OptionRow kOptions[] = {
    {"output", "FILE", "write it there, not to standard output", "", "Options", false, 'o'},
};

struct Shell {
  std::string_view name;
  std::string (*script)();
};
constexpr Shell kShells[] = {{"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}};

int put(const Words& words, const std::string& text) {
  if (!words.has("output")) return show_on_stdout(text);
  const Outcome written = write_file(words.text("output", "-"), text);
  if (written) return kOk;
  complain(written.error().message);
  return kOutputFailed;
}

int completion(Words words) {
  for (const Shell& shell : kShells) {
    if (words.operands.size() == 1 && words.operands[0] == shell.name) return put(words, shell.script());
  }
  return refuse(make_error(ErrorCode::invalid_argument, "completion: for which shell? lgen completion bash|zsh|fish"));
}

int man(Words words) { return put(words, manual()); }

}  // namespace

const Command kCompletionCommand = {
    .name = "completion",
    .synopsis = "bash|zsh|fish",
    .help = "a shell's completion script",
    .about =
        "Prints a script that completes commands, options and their values, and a plan's own options.\n"
        "bash: source <(lgen completion bash)\n"
        "zsh: source <(lgen completion zsh)\n"
        "fish: lgen completion fish | source\n"
        "An installed lgen has them in the shells' own places.",
    .options = kOptions,
    .run = completion};

const Command kManCommand = {.name = "man",
                             .synopsis = "",
                             .help = "the manual page, in roff",
                             .about = "Prints the manual page; lgen man | man -l - shows it.",
                             .options = kOptions,
                             .run = man};

}  // namespace lgen::cli
