// `lgen report RESULT.json`: an earlier run's summary on the terminal again, or as JSON.
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "commands.h"
#include "exit_code.h"
#include "lgen/report.h"
#include "terminal.h"

namespace lgen::cli {
namespace {

Result<Summary> read_summary(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return make_error(ErrorCode::not_found, fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  }
  auto summary = parse_json_summary(text.str());
  if (!summary) return make_error(ErrorCode::invalid_argument, fmt::format("{}: {}", path, summary.error().message));
  return summary;
}

int report(Words words) {
  if (words.operands.size() != 1) {
    complain("which result? lgen report RESULT.json");
    return kConfiguration;
  }
  const std::vector<std::string> outputs = words.all("out");
  const auto summary = read_summary(words.operands.front());
  if (!summary) {
    complain(summary.error().message);
    return kConfiguration;
  }
  if (outputs.empty()) {
    const Outcome shown = write_file("-", render_console(*summary, console_style(words.has("no-color"))));
    return shown ? kOk : kOutputFailed;
  }
  for (const std::string& output : outputs) {
    const auto parsed = parse_output(output);
    if (!parsed) {
      complain("--out: " + parsed.error().message);
      return kConfiguration;
    }
    if (const Outcome written = write_file(parsed->path, render_json(*summary)); !written) {
      complain(written.error().message);
      return kOutputFailed;
    }
  }
  return kOk;
}

constexpr OptionRow kOptions[] = {
    {"out", "json=FILE", "write it as JSON instead; FILE - is standard output", "", "Options", true},
    {"no-color", "", "no colours", "", "Options"},
};

}  // namespace

const Command kReportCommand = {.name = "report",
                                .synopsis = "RESULT.json",
                                .help = "print the summary of an earlier run again",
                                .about = "Prints the summary of an earlier run again; --out json=FILE has written it.",
                                .options = kOptions,
                                .run = report};

}  // namespace lgen::cli
