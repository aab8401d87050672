// `lgen report RESULT.json`: an earlier run's summary on the terminal again, or as JSON.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
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

}  // namespace

int report(std::vector<std::string> args) {
  CLI::App app("Prints the summary of an earlier run again.", "lgen report");
  std::string path;
  std::vector<std::string> outputs;
  bool no_color = false;
  app.add_option("RESULT", path, "JSON summary, written with --out json=FILE")->required();
  app.add_option("--out", outputs, "json=FILE: write it as JSON instead")->allow_extra_args(false);
  app.add_flag("--no-color", no_color, "no colours");
  try {
    std::reverse(args.begin(), args.end());
    app.parse(args);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kOk : kConfiguration;
  }
  const auto summary = read_summary(path);
  if (!summary) {
    complain(summary.error().message);
    return kConfiguration;
  }
  if (outputs.empty()) {
    const Outcome shown = write_file("-", render_console(*summary, console_style(no_color)));
    return shown ? kOk : kOutputFailed;
  }
  for (const std::string& output : outputs) {
    if (!output.starts_with("json=")) {
      complain(fmt::format("--out: '{}' is not of the form json=FILE", output));
      return kConfiguration;
    }
    if (const Outcome written = write_file(output.substr(5), render_json(*summary)); !written) {
      complain(written.error().message);
      return kOutputFailed;
    }
  }
  return kOk;
}

}  // namespace lgen::cli
