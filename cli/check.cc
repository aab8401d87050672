// `lgen check PLAN.lua`
#include "lgen/check.h"

#include <fmt/format.h>

#include "arguments.h"
#include "commands.h"
#include "exit_code.h"

namespace lgen::cli {
namespace {

int check(Words words) {
  auto arguments = arguments_of(words);
  if (arguments && arguments->plan.empty()) {
    complain("which plan? lgen check PLAN.lua");
    return kConfiguration;
  }
  const auto report = arguments ? check_plan(PlanInput{arguments->plan,
                                                       std::move(arguments->plan_args),
                                                       std::move(arguments->config_options),
                                                       std::move(arguments->options),
                                                       PlanPurpose::check,
                                                       {}})
                                : Result<CheckReport>(arguments.error());
  if (!report) {
    complain(report.error().message);
    return kConfiguration;
  }
  fmt::print("{}: ok ({})\n", arguments->plan, fmt::join(report->scenarios, ", "));
  for (const std::string& place : report->untried) fmt::print("{}; not tried from here on\n", place);
  return kOk;
}

}  // namespace

const Command kCheckCommand = {.name = "check",
                               .synopsis = "PLAN.lua",
                               .help = "lint and try a plan, no network",
                               .about =
                                   "Loads and lints the plan and runs one iteration of every scenario without network "
                                   "and without waiting. Exit code 0, or 104 with the findings.",
                               .run = check,
                               .engine_options = true,
                               .takes_plan = true};

}  // namespace lgen::cli
