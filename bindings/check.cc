#include "lgen/check.h"

#include <fmt/format.h>

#include <optional>

#include "lgen/runner.h"

namespace lgen {
namespace {

constexpr Duration kLongEnough = std::chrono::hours(24);  // on the manual clock it costs nothing

/// One VU, one iteration; as long as the plan's own load may take, so that loops until `vu.stopping` end.
Load one_iteration(const Load& load) {
  Load once{.kind = Load::Kind::per_vu_iterations};
  once.vus = 1;
  once.iterations = 1;
  once.max_duration =
      load.max_duration || load.duration || !load.stages.empty() ? Schedule(load, Slice{}).end() : kLongEnough;
  return once;
}

/// Errors raised by plan code, a line each.
std::string findings(const Summary& summary) {
  std::string lines;
  for (const ErrorSample& error : summary.errors) {
    if (error.code != "plan") continue;
    lines += (lines.empty() ? "" : "\n") + fmt::format("{} (scenario '{}')", error.message, error.where);
  }
  return lines;
}

}  // namespace

Result<CheckReport> check_plan(PlanInput input) {
  ManualClock clock(TimePoint{} + std::chrono::hours(1));
  Loop loop(clock);
  Metrics metrics;
  input.purpose = PlanPurpose::check;
  input.make_channel = [](const std::string&, Loop& on, const std::string& target, const ChannelOptions&) {
    return Result<std::unique_ptr<GrpcChannel>>(make_null_channel(on, target));
  };
  Plan plan(loop, metrics, std::move(input));
  if (const Outcome loaded = plan.load(); !loaded) return loaded.error();
  RunSpec spec = plan.run_spec();
  CheckReport report{plan.name(), {}, {}};
  for (ScenarioSpec& scenario : spec.scenarios) {
    scenario.load = one_iteration(scenario.load);
    report.scenarios.push_back(scenario.name);
  }
  Runner runner(loop, metrics, std::move(spec));
  plan.attach(runner);
  std::optional<RunOutcome> outcome;
  runner.start([&](const RunOutcome& ended) { outcome = ended; });
  loop.run_until([&] { return outcome.has_value(); });
  Summary summary;
  plan.fill(summary);
  plan.close();
  report.untried = plan.untried();
  if (outcome->end == RunEnd::plan_error) return make_error(ErrorCode::invalid_argument, outcome->reason);
  if (std::string lines = findings(summary); !lines.empty()) {
    return make_error(ErrorCode::invalid_argument, std::move(lines));
  }
  return report;
}

}  // namespace lgen
