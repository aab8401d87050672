// What ran, what was demanded of it, and what came of it.

#include <fmt/format.h>

#include <algorithm>

#include "figures.h"
#include "lgen/report.h"
#include "lgen/units.h"
#include "names.h"
#include "sections.h"

namespace lgen {
namespace {

constexpr std::string_view kYes = "✓", kNo = "✗";

/// Of what never happened.
Span no_mark() { return {"  – ", Tone::dim}; }

Span mark(bool ok) { return {fmt::format("  {} ", ok ? kYes : kNo), ok ? Tone::good : Tone::bad}; }

std::string selector(const Labels& labels) {
  if (labels.empty()) return "";
  std::string text = "{";
  for (const auto& [name, value] : labels) text += fmt::format("{}{}={}", text.size() > 1 ? "," : "", name, value);
  return text + "}";
}

std::string observed_text(const Summary& summary, const ThresholdResult& result) {
  if (!result.observed) return "no samples";
  if (observed_unit(summary, result) == "s") return brief_seconds(*result.observed);
  return fmt::format("{:.6g}", *result.observed);
}

/// "; worst of 51 windows: 42.0s to 52.0s, 3 failed".
std::string window_words(const ThresholdResult& result) {
  if (result.over == 0) return "";
  if (!result.worst_at) return result.observed ? "; the load was shorter than a window" : "";
  const std::string which = fmt::format("{} to {}", moment(*result.worst_at), moment(*result.worst_at + result.over));
  const std::string failed =
      result.windows_failed > 0 ? fmt::format(", {} failed", grouped(result.windows_failed)) : std::string();
  return fmt::format("; worst of {}: {}{}", counted(result.windows, "window"), which, failed);
}

/// What the exit codes of a run mean where the summary itself cannot say it better.
std::string_view exit_code_meaning(int code) {
  switch (code) {
    case 99:
      return "not one call, stream or iteration succeeded, or all was warm-up";
    case 104:
      return "the plan or its options are wrong";
    case 105:
      return "stopped by a signal";
    case 107:
      return "the plan raised an error or never yielded";
    case 108:
      return "the plan called lgen.abort";
    case 111:
      return "the generator was the bottleneck, the figures do not count";
    case 112:
      return "a rank was lost";
    case 113:
      return "an output could not be written";
  }
  return "failed";
}

template <class T, class Failed>
std::uint64_t count_failed(const std::vector<T>& all, Failed failed) {
  return static_cast<std::uint64_t>(std::count_if(all.begin(), all.end(), failed));
}

/// "2 outputs are not whole, 1,204 lines missing"; "" when all is there, as far as is known.
std::string lost_outputs(const RunInfo& run) {
  if (run.outputs_lost == 0) return "";
  const std::string lines = run.lines_lost > 0 ? fmt::format(", {} missing", counted(run.lines_lost, "line")) : "";
  return fmt::format("{} {} not whole{}", counted(run.outputs_lost, "output"), run.outputs_lost == 1 ? "is" : "are",
                     lines);
}

/// "2 thresholds and 1 check failed"; "" when none has.
std::string what_failed(const Summary& summary) {
  const auto thresholds = count_failed(summary.thresholds, [](const ThresholdResult& t) { return !t.ok; });
  const bool excused = !excuse_of_checks(summary).empty();
  const auto checks = count_failed(summary.checks, [&](const CheckResult& c) { return c.fails > 0 && !excused; });
  std::vector<std::string> parts;
  if (thresholds > 0) parts.push_back(counted(thresholds, "threshold"));
  if (checks > 0) parts.push_back(counted(checks, "check"));
  return parts.empty() ? "" : join_words(parts) + " failed";
}

std::string why_it_failed(const Summary& summary) {
  if (summary.run.exit_code == 105 && summary.run.end_reason == "lgen ctl stop") return "stopped by lgen ctl";
  const std::string failed = what_failed(summary);
  if (summary.run.exit_code != 99 || failed.empty()) return std::string(exit_code_meaning(summary.run.exit_code));
  return failed;
}

/// ", 1,994 of them in warm-up", or "".
std::string share_of_warmup(const ScenarioProgress& scenario) {
  if (scenario.started_in_warmup > 0)
    return fmt::format(", {} of them in warm-up", grouped(scenario.started_in_warmup));
  return scenario.warmup > Duration{0} ? ", warm-up included" : "";
}

/// ", 10s of it paused", or "".
std::string paused_words(Duration paused) {
  return paused > Duration{0} ? fmt::format(", {} of it paused", format_duration(paused)) : "";
}

/// " (and 1,994 in warm-up, 3 of them failed)", or "".
std::string in_warmup(const CheckResult& check) {
  const std::uint64_t all = check.warmup_passes + check.warmup_fails;
  if (all == 0) return "";
  const std::string failed =
      check.warmup_fails > 0 ? fmt::format(", {} of them failed", grouped(check.warmup_fails)) : "";
  return fmt::format(" (and {} in warm-up{})", grouped(all), failed);
}

}  // namespace

std::string how_it_ended(const RunInfo& run) {
  if (run.end == "signal") return "stopped by " + (run.end_reason.empty() ? "a signal" : run.end_reason);
  if (run.end == "aborted" && run.end_reason.starts_with("threshold ")) return "aborted: " + run.end_reason;
  if (run.end == "aborted") return "aborted by the plan: " + run.end_reason;
  if (run.end == "plan_error") return "the plan could not go on: " + run.end_reason;
  return run.end_reason;
}

std::string outcome_words(const Summary& summary) {
  std::string text = "passed";
  if (const std::string excused = what_failed(summary); !excused.empty()) text += " by --allow-failures: " + excused;
  if (summary.run.exit_code != 0) text = fmt::format("exit code {}: {}", summary.run.exit_code, why_it_failed(summary));
  if (const std::string lost = lost_outputs(summary.run); !lost.empty()) text += "; " + lost;
  std::uint64_t failed = 0;
  for (const ScenarioProgress& scenario : summary.scenarios) failed += scenario.failed;
  if (summary.run.exit_code == 0 && failed > 0) text += fmt::format(", though {} failed", counted(failed, "iteration"));
  return text;
}

std::string threshold_words(const ThresholdResult& threshold) {
  std::string words = fmt::format("{}{} {}", threshold.metric, selector(threshold.labels), threshold.text);
  if (threshold.over > 0) words += " over " + format_duration(from_seconds(threshold.over));
  if (threshold.after > 0) words += " after " + format_duration(from_seconds(threshold.after));
  return words;
}

void print_run(Page& page, const RunInfo& run) {
  const std::string name = run.plan_name.empty() ? run.plan : run.plan_name;
  if (run.about.empty()) {
    page.line({Span(name, Tone::bold)});
  } else {
    page.item({Span(name, Tone::bold), Span(" - ")}, run.about);
  }
  std::string where = run.plan;
  if (!run.target.empty()) where += fmt::format(" → {} ({}, {})", run.target, run.security, run.transport);
  page.paragraph(2, where, Tone::dim);
  page.paragraph(2,
                 fmt::format("{}{}, seed {}, lgen {}{}", format_duration(from_seconds(run.duration)),
                             paused_words(from_seconds(run.paused)), run.seed, run.lgen_version,
                             run.host.empty() ? "" : " on " + run.host),
                 Tone::dim);
  if (const std::string ended = how_it_ended(run); !ended.empty()) page.paragraph(2, ended, Tone::warn);
}

std::string observed_unit(const Summary& summary, const ThresholdResult& threshold) {
  if (threshold.text.find("count") != std::string::npos || threshold.text.find("rate") != std::string::npos) return "";
  if (threshold.metric.ends_with("_seconds") || threshold.metric.ends_with("_seconds_bucket")) return "s";
  const MetricSnapshot* metric = summary.metrics.find(threshold.metric);
  return metric ? metric->spec.unit : "";
}

std::string excuse_of_checks(const Summary& summary) {
  std::vector<std::string> excuses;
  for (const ThresholdResult& threshold : summary.thresholds) {
    if (threshold.metric != "checks") continue;
    if (!threshold.ok) return "";
    excuses.push_back(threshold_words(threshold));
  }
  return excuses.empty()
             ? ""
             : fmt::format("excused by {} {}", excuses.size() == 1 ? "threshold" : "thresholds", join_words(excuses));
}

void print_thresholds(Page& page, const Summary& summary) {
  if (summary.thresholds.empty()) return;
  page.heading("THRESHOLDS");
  for (const ThresholdResult& result : summary.thresholds) {
    std::string outcome = result.ok || result.why.empty() ? observed_text(summary, result) : result.why;
    if (result.ok && !result.why.empty()) outcome += fmt::format(" ({})", result.why);
    page.item({mark(result.ok)}, fmt::format("{}: {}{}", threshold_words(result), outcome, window_words(result)),
              result.ok ? Tone::plain : Tone::bold);
  }
}

void print_checks(Page& page, const Summary& summary) {
  if (summary.checks.empty()) return;
  page.heading("CHECKS");
  const std::string excuse = excuse_of_checks(summary);
  for (const CheckResult& check : summary.checks) {
    const std::uint64_t all = check.passes + check.fails;
    std::string text = fmt::format("{}: {} of {}", check.name, grouped(check.passes), grouped(all));
    if (check.fails > 0) text += fmt::format(", {} failed", grouped(check.fails));
    if (!check.first_failure.empty()) text += fmt::format(" (first: {})", check.first_failure);
    text += in_warmup(check);
    const bool excused = check.fails > 0 && !excuse.empty();
    if (excused) text += "; " + excuse;
    const Span verdict = all == 0 ? no_mark() : excused ? Span("  ! ", Tone::warn) : mark(check.fails == 0);
    page.item({verdict}, text, check.fails == 0 ? Tone::plain : Tone::bold);
  }
}

/// By a signal, an abort, lgen.stop or lgen ctl; its figures look complete otherwise.
bool ended_early(const ScenarioProgress& scenario) {
  constexpr Duration kSlack = std::chrono::milliseconds(50);
  if (!scenario.finished || scenario.background || scenario.elapsed + kSlack >= scenario.length) return false;
  return !scenario.total || scenario.started + scenario.dropped < *scenario.total;
}

void print_scenarios(Page& page, const std::vector<ScenarioProgress>& scenarios) {
  if (scenarios.empty()) return;
  page.heading("SCENARIOS");
  for (const ScenarioProgress& scenario : scenarios) {
    std::vector<std::string> parts = {grouped(scenario.succeeded) + " ok"};
    if (scenario.failed > 0) parts.push_back(grouped(scenario.failed) + " failed");
    if (scenario.cancelled > 0) parts.push_back(grouped(scenario.cancelled) + " cancelled at the stop");
    if (scenario.running > 0) parts.push_back(grouped(scenario.running) + " still running");
    const std::string started = scenario.scheduled ? fmt::format("{} of {} started", grouped(scenario.started),
                                                                 counted(*scenario.scheduled, "arrival"))
                                                   : counted(scenario.started, "iteration");
    std::string text =
        fmt::format("{}; {}{}: {}", scenario.load, started, share_of_warmup(scenario), fmt::join(parts, " + "));
    if (scenario.dropped > 0) text += fmt::format("; {} dropped", grouped(scenario.dropped));
    if (const std::uint64_t waiting = waiting_arrivals(scenario); waiting > 0) {
      text += fmt::format("; {} waiting for a VU", grouped(waiting));
    }
    if (ended_early(scenario)) text += "; ended early, after " + format_duration(scenario.elapsed);
    if (scenario.paused_for > Duration{0}) text += "; paused for " + format_duration(scenario.paused_for);
    page.item({Span(fmt::format("  {}: ", scenario.name))}, text);
  }
}

void print_conservation(Page& page, const std::string& conservation) {
  if (conservation.empty()) return;
  page.heading("NOT ACCOUNTED FOR");
  page.item({mark(false)}, conservation, Tone::bad);
}

void print_outcome(Page& page, const Summary& summary) {
  const bool ok = summary.run.exit_code == 0;
  page.line({});
  std::string text = outcome_words(summary);
  for (const DistributionResult& result : summary.distributions) {
    text += fmt::format(" - {}: {}", result.table.name, to_string(result.verdict.kind));
  }
  page.item({Span(fmt::format("{} ", ok ? kYes : kNo), ok ? Tone::good : Tone::bad)}, text, Tone::bold);
}

}  // namespace lgen
