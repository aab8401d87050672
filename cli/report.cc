// `lgen report RESULT.json`: an earlier run's summary on the terminal again, or in any format that is made of it.
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "commands.h"
#include "exit_code.h"
#include "lgen/report.h"
#include "outputs.h"
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

/// Those that can be made afterwards.
Result<std::vector<OutputRequest>> outputs_of(const Words& words) {
  auto outputs = parse_outputs(words.all("out"));
  if (!outputs) return outputs;
  for (const OutputRequest& output : *outputs) {
    if (output.format->render) continue;
    return make_error(
        ErrorCode::invalid_argument,
        fmt::format("--out: {} is written while a run goes on and cannot be made of its summary", output.format->name));
  }
  return outputs;
}

/// As many as can be; what cannot is told.
int write_all(const std::vector<OutputRequest>& outputs, const Summary& summary) {
  int code = kOk;
  for (const OutputRequest& output : outputs) {
    const Outcome written = write_file(output.where, output.format->render(summary));
    if (written) continue;
    complain(written.error().message);
    code = kOutputFailed;
  }
  return code;
}

int report(Words words) {
  if (words.operands.size() != 1) {
    complain("which result? lgen report RESULT.json");
    return kConfiguration;
  }
  const auto outputs = outputs_of(words);
  if (!outputs) {
    complain(outputs.error().message);
    return kConfiguration;
  }
  const auto summary = read_summary(words.operands.front());
  if (!summary) {
    complain(summary.error().message);
    return kConfiguration;
  }
  if (outputs->empty()) {
    const Outcome shown = write_file("-", render_console(*summary, console_style(words.has("no-color"))));
    return shown ? kOk : kOutputFailed;
  }
  return write_all(*outputs, *summary);
}

constexpr OptionRow kOptions[] = {
    {"out", "FORMAT=FILE", "write it in another format instead; FILE - is standard output", "", "Options", true},
    {"no-color", "", "no colours", "", "Options"},
};

}  // namespace

const Command kReportCommand = {
    .name = "report",
    .synopsis = "RESULT.json",
    .help = "print the summary of an earlier run again",
    .about =
        "Prints the summary of an earlier run again, or writes it in another format; --out json=FILE "
        "of that run has written it.",
    .options = kOptions,
    .run = report};

}  // namespace lgen::cli
