#include "manual.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "commands.h"
#include "exit_code.h"
#include "help.h"
#include "lgen/version.h"
#include "outputs.h"

namespace lgen::cli {
namespace {

constexpr std::size_t kWidth = 75;  // of the source, before its escapes

/// Text in which nothing means anything to roff. A hyphen of ours is a minus: it must survive copying.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

/// On lines that an editor shows; roff fills them anew.
std::string flowing(std::string_view text) {
  std::string out;
  for (const std::string& line : wrap(text, kWidth)) out += plain(line) + "\n";
  return out;
}

/// Every line a paragraph.
std::string paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!out.empty()) out += ".PP\n";
    out += flowing(line);
  }
  return out;
}

std::string tagged(std::string_view tag, std::string_view text) {
  return fmt::format(".TP\n\\fB{}\\fR\n{}", plain(tag), flowing(text));
}

std::string option(const OptionRow& row) {
  return tagged(flag_of(row),
                row.fallback.empty() ? std::string(row.help) : fmt::format("{} [{}]", row.help, row.fallback));
}

/// The engine's have a section of their own where a command takes all of them.
std::vector<const OptionRow*> rows_of_manual(const Command& command) {
  if (!command.engine_options) return rows_of(command);
  std::vector<const OptionRow*> rows;
  for (const OptionRow& row : command.options) rows.push_back(&row);
  return rows;
}

std::string command(const Command& command) {
  std::string out = fmt::format(".SS \"lgen {} {}\"\n", command.name, plain(command.synopsis));
  out += paragraphs(command.about.empty() ? command.help : command.about);
  std::string_view group;
  for (const OptionRow* row : rows_of_manual(command)) {
    if (row->group != group) out += fmt::format(".PP\n.I {}\n", plain(group = row->group));
    out += option(*row);
  }
  return out;
}

std::string engine_options() {
  std::string out;
  std::string_view group;
  for (const OptionRow& row : lgen::engine_options()) {
    if (row.group != group) out += fmt::format(".SS \"{}\"\n", group = row.group);
    out += option(row);
  }
  return out;
}

std::string output_formats_section() {
  std::string out = ".SH OUTPUT FORMATS\nWhat \\-\\-out takes; a FILE alone tells its format by its ending.\n";
  for (const OutputFormat& format : output_formats()) out += tagged(words_of(format), about_format(format));
  return out;
}

// Words are not broken: most of the longer ones are names.
constexpr std::string_view kHead = R"(.nh
.ad l
.SH NAME
lgen \- a load generator for gRPC services, scripted in Lua
.SH SYNOPSIS
.B lgen
.I PLAN.lua
.BI \-\-target\  HOST:PORT
.RI [ options ]
.br
.B lgen
.I COMMAND
.RI [ options ]
.SH DESCRIPTION
lgen runs a plan, a short Lua file, with as many virtual users as it asks for,
counts every call, stream and message, and ends with tables, a verdict and an
exit code.
The first word that is no command and no option is the plan; its own options
come after it, and
.B lgen PLAN.lua \-\-help
lists them.
)";

constexpr std::string_view kTail = R"(.SH ENVIRONMENT
Every option of the engine can be set as a variable: LGEN_TARGET for
\-\-target, LGEN_WAIT_READY for \-\-wait\-ready.
NO_COLOR turns colours off.
.SH EXAMPLES
.nf
lgen plans/hello.lua \-\-target localhost:50051
lgen bench localhost:50051 hello.Hello/SayHello \-n 1000 \-c 20
lgen call localhost:50051 hello.Hello/SayHello \-d \(aq{"name": "x"}\(aq
lgen new mine.lua shop.Orders/Get \-\-target localhost:50051
.fi
)";

}  // namespace

std::string manual() {
  std::string out = fmt::format(".\\\" Made by `lgen man`.\n.TH LGEN 1 \"\" \"lgen {}\" \"User Commands\"\n", kVersion);
  out += kHead;
  out += ".SH COMMANDS\n";
  for (const Command* one : commands()) out += command(*one);
  out += ".SH OPTIONS OF THE ENGINE\nFor run, check and bench.\n" + engine_options();
  out += output_formats_section();
  out += ".SH EXIT STATUS\n";
  for (const ExitCode& code : exit_codes()) out += tagged(fmt::format("{}", code.number), code.meaning);
  return out + std::string(kTail);
}

}  // namespace lgen::cli
