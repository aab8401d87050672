#include "summary_file.h"

#include <fmt/format.h>

#include "commands.h"
#include "exit_code.h"
#include "lgen/json_problem.h"
#include "lgen/report.h"
#include "text_file.h"

namespace lgen::cli {

Result<Summary> read_summary(const std::string& path) {
  const auto text = read_text_file(path);
  if (!text) return text.error();
  auto summary = parse_json_summary(*text);
  if (summary) return summary;
  const std::string name = path == "-" ? "standard input" : path;
  if (const auto problem = json_problem(*text)) {
    return make_error(ErrorCode::invalid_argument, fmt::format("{}:{}:{}: not a summary of lgen: {}", name,
                                                               problem->line, problem->column, problem->words));
  }
  return make_error(ErrorCode::invalid_argument, fmt::format("{}: {}", name, summary.error().message));
}

int show_on_stdout(std::string_view text) {
  const Outcome shown = write_file("-", text);
  if (shown || shown.error().code == ErrorCode::closed) return kOk;
  complain(shown.error().message);
  return kOutputFailed;
}

}  // namespace lgen::cli
