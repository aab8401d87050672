// `lgen report RESULT.json`: an earlier run's summary on the terminal again, or in any format that is made of it.
#include <fmt/format.h>

#include "commands.h"
#include "exit_code.h"
#include "lgen/report.h"
#include "outputs.h"
#include "summary_file.h"
#include "terminal.h"

namespace lgen::cli {
namespace {

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
    const std::string text = output.format->render(summary);
    const Outcome written = output.on_stdout() ? Outcome(Done{}) : write_file(output.where, text);
    if (!written) complain(written.error().message);
    const bool shown = !output.on_stdout() || show_on_stdout(text) == kOk;
    if (!written || !shown) code = kOutputFailed;
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
    return show_on_stdout(render_console(*summary, console_style(words.has("no-color"))));
  }
  return write_all(*outputs, *summary);
}

constexpr OptionRow kOptions[] = {
    {"out", kRenderedValue, "write it in another format instead; - is standard output", "", "Options", true},
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
