// Which exit code a run ends with, and what speaks against it.
#include "exit_code.h"

#include "catch.h"

namespace lgen::cli {
namespace {

MetricSnapshot counter(const std::string& name, std::vector<std::pair<Labels, double>> values) {
  MetricSnapshot metric;
  metric.spec.name = name;
  for (auto& [labels, value] : values) metric.series.push_back({.labels = std::move(labels), .value = value});
  return metric;
}

Summary good_run() {
  Summary summary;
  summary.metrics.metrics.push_back(counter("grpc_calls", {{{{"code", "OK"}}, 5}, {{{"code", "UNAVAILABLE"}}, 3}}));
  summary.metrics.metrics.push_back(counter("iterations", {{{}, 8}}));
  summary.metrics.metrics.push_back(counter("iterations_failed", {{{}, 2}}));
  return summary;
}

RunOutcome ended(RunEnd end) {
  RunOutcome outcome;
  outcome.end = end;
  return outcome;
}

TEST_CASE("a run in which something succeeded is good") {
  CHECK(failure_of(good_run(), "") == "");
  CHECK(exit_code(ended(RunEnd::completed), good_run(), Settings{}, "", false) == 0);
  CHECK(exit_code(ended(RunEnd::completed), Summary{}, Settings{}, "", false) == 0);
}

TEST_CASE("what speaks against a run is told, the gravest first") {
  Summary summary = good_run();
  summary.checks.push_back({"fits", 3, 1, ""});
  CHECK(failure_of(summary, "") == "check 'fits' failed");
  summary.thresholds.push_back({.metric = "grpc_calls", .text = "count > 9", .ok = false});
  CHECK(failure_of(summary, "") == "threshold 'grpc_calls count > 9' failed");
  summary.thresholds.back().labels = {{"code", "OK"}};
  CHECK(failure_of(summary, "") == "threshold 'grpc_calls{code=OK} count > 9' failed");
  CHECK(failure_of(summary, "nobody listens") == "nobody listens");
}

TEST_CASE("the first that failed is named, and how many more") {
  Summary summary = good_run();
  for (const char* text : {"count > 9", "count > 8", "count > 7"}) {
    summary.thresholds.push_back({.metric = "grpc_calls", .text = text, .ok = false});
  }
  CHECK(failure_of(summary, "") == "threshold 'grpc_calls count > 9' failed, and 2 more");
  summary.thresholds.clear();
  summary.checks = {{"fits", 3, 1, ""}, {"holds", 3, 0, ""}, {"lasts", 3, 2, ""}};
  CHECK(failure_of(summary, "") == "check 'fits' failed, and 1 more");
}

TEST_CASE("a run that was all warm-up has measured nothing") {
  const Labels warm = {{"phase", "warmup"}, {"scenario", "s"}};
  struct Row {
    const char* what;
    MetricSnapshot also;
    bool measured;
  };
  const Row rows[] = {
      {"nothing else", counter("n", {}), false},
      {"a counter of the plan's in warm-up", counter("n", {{warm, 3}}), false},
      {"VUs, which have no phase", counter("vus", {{{{"scenario", "s"}}, 3}}), false},
      {"a counter of the plan's in a later phase", counter("n", {{{{"phase", "main"}}, 3}}), true},
      {"calls of a scenario without phases", counter("grpc_calls", {{{{"code", "OK"}}, 5}}), true},
  };
  for (const Row& row : rows) {
    Summary summary;
    summary.metrics.metrics = {counter("iterations", {{warm, 12}}), row.also};
    INFO(row.what);
    const std::string why = "nothing was measured: all iterations (12) fell into the warm-up, which does not count";
    CHECK(failure_of(summary, "") == (row.measured ? "" : why));
    CHECK(exit_code(ended(RunEnd::completed), summary, Settings{}, "", false) == (row.measured ? 0 : 99));
  }
}

TEST_CASE("a threshold on checks replaces the rule that all must pass") {
  Summary summary = good_run();
  summary.checks.push_back({"fits", 3, 1, ""});
  summary.thresholds.push_back({.metric = "checks", .text = "rate > 0.5", .ok = true});
  CHECK(failure_of(summary, "") == "");
}

TEST_CASE("a run in which nothing succeeded fails with the first error") {
  Summary summary;
  summary.metrics.metrics.push_back(
      counter("grpc_streams_ended", {{{{"code", "CANCELLED"}}, 4}, {{{"code", "UNAVAILABLE"}}, 1}}));
  CHECK(failure_of(summary, "") == "not one call or stream succeeded");
  summary.errors.push_back({"UNAVAILABLE", "gone", "a.B/C", "", 4, 0, 0});
  CHECK(failure_of(summary, "") == "not one call or stream succeeded; first error: UNAVAILABLE: gone");
  summary.errors[0].message = "\x1b[31mred\nlgen: all is well";  // a server's words
  CHECK(failure_of(summary, "").find_first_of("\x1b\n") == std::string::npos);

  Summary cancelled;  // by the plan itself
  cancelled.metrics.metrics.push_back(counter("grpc_streams_ended", {{{{"code", "CANCELLED"}}, 4}}));
  CHECK(failure_of(cancelled, "") == "not one call or stream succeeded");
  ScenarioProgress ended_well;
  ended_well.succeeded = 4;
  cancelled.scenarios.push_back(ended_well);
  CHECK(failure_of(cancelled, "") == "");
  cancelled.errors.push_back({"CANCELLED", "reset", "a.B/C", "", 1, 0, 0});
  CHECK(failure_of(cancelled, "") == "not one call or stream succeeded; first error: CANCELLED: reset");

  Summary raised;
  raised.metrics.metrics.push_back(counter("iterations", {{{}, 2}}));
  raised.metrics.metrics.push_back(counter("iterations_failed", {{{}, 2}}));
  raised.errors.push_back({"plan", "plan.lua:5: boom", "s", "", 2, 0, 0});
  CHECK(failure_of(raised, "") == "every iteration failed; first error: plan.lua:5: boom");
}

TEST_CASE("when several things hold, the order is fixed") {
  struct Row {
    const char* what;
    RunEnd end;
    bool invalid, failed, output_failed;
    int code;
  };
  const Row rows[] = {
      {"all is well", RunEnd::completed, false, false, false, 0},
      {"an output failed", RunEnd::completed, false, false, true, 113},
      {"a check failed", RunEnd::completed, false, true, true, 99},
      {"the generator was the bottleneck", RunEnd::completed, true, true, true, 111},
      {"a signal", RunEnd::signal, true, true, true, 105},
      {"lgen.abort", RunEnd::aborted, true, true, true, 108},
      {"the plan raised", RunEnd::plan_error, true, true, true, 107},
  };
  for (const Row& row : rows) {
    Summary summary = good_run();
    if (row.invalid) summary.health.validity = Validity::invalid;
    if (row.failed) summary.checks.push_back({"fits", 0, 1, ""});
    INFO(row.what);
    CHECK(exit_code(ended(row.end), summary, Settings{}, "", row.output_failed) == row.code);
  }
}

TEST_CASE("flags soften what counts") {
  Summary summary = good_run();
  summary.checks.push_back({"fits", 0, 1, ""});
  summary.health.validity = Validity::invalid;
  Settings settings;
  settings.fail_on_invalid = false;
  CHECK(exit_code(ended(RunEnd::completed), summary, settings, "", false) == 99);
  settings.allow_failures = true;
  CHECK(exit_code(ended(RunEnd::completed), summary, settings, "", false) == 0);
  CHECK(exit_code(ended(RunEnd::completed), summary, settings, "", true) == 113);
  CHECK(exit_code(ended(RunEnd::aborted), summary, settings, "", false) == 108);
}

TEST_CASE("channels that never connected are a failed run, no plan error") {
  CHECK(exit_code(ended(RunEnd::plan_error), Summary{}, Settings{}, "nobody listens", false) == 99);
}

}  // namespace
}  // namespace lgen::cli
