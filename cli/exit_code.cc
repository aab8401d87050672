#include "exit_code.h"

#include <fmt/format.h>

#include <algorithm>

#include "lgen/http_recorder.h"
#include "lgen/report.h"
#include "lgen/text.h"

namespace lgen::cli {
namespace {

constexpr ExitCode kExitCodes[] = {
    {kOk, "ok"},
    {kFailed, "a check or threshold failed, not one call, stream or request succeeded, or all was warm-up"},
    {kConfiguration, "the plan or the command line is wrong, or an output cannot be written"},
    {kStopped, "stopped by SIGINT, SIGTERM or lgen ctl stop; the report is still printed"},
    {kPlanError, "the plan raised outside an iteration, or never yields"},
    {kAborted, "the plan aborted the run"},
    {kInvalid, "the generator itself was the bottleneck"},
    {kOutputFailed, "an output failed during or after the run, and nothing above speaks against it"},
};

double total(const Summary& summary, std::string_view name, const Labels& labels = {}) {
  const MetricSnapshot* metric = summary.metrics.find(name);
  double sum = 0;
  if (!metric) return 0;
  for (const SeriesSnapshot& series : metric->series) {
    if (labels_match(series.labels, labels)) sum += series.value;
  }
  return sum;
}

/// A threshold on `checks` replaces the rule that every check must pass.
bool checks_have_threshold(const Summary& summary) {
  return std::any_of(summary.thresholds.begin(), summary.thresholds.end(),
                     [](const ThresholdResult& t) { return t.metric == "checks"; });
}

/// ", and 2 more".
std::string and_more(std::ptrdiff_t others) { return others > 0 ? fmt::format(", and {} more", others) : ""; }

std::string failed_checks(const Summary& summary) {
  if (checks_have_threshold(summary)) return "";
  const auto fails = [](const CheckResult& c) { return c.fails > 0; };
  const auto first = std::find_if(summary.checks.begin(), summary.checks.end(), fails);
  if (first == summary.checks.end()) return "";
  return fmt::format("check '{}' failed{}", first->name,
                     and_more(std::count_if(first + 1, summary.checks.end(), fails)));
}

std::string failed_thresholds(const Summary& summary) {
  const auto fails = [](const ThresholdResult& t) { return !t.ok; };
  const auto first = std::find_if(summary.thresholds.begin(), summary.thresholds.end(), fails);
  if (first == summary.thresholds.end()) return "";
  return fmt::format("threshold '{}' failed{}", threshold_words(*first),
                     and_more(std::count_if(first + 1, summary.thresholds.end(), fails)));
}

/// "UNAVAILABLE: ..."; an error of the plan says itself what it is. What a server has sent must not reach a terminal
/// raw.
std::string text_of(const ErrorSample& error) {
  const std::string message = printable(error.message);
  return error.code == "plan" ? message : fmt::format("{}: {}", error.code, message);
}

/// Calls, streams and requests that ended with `labels`.
double ended(const Summary& summary, const Labels& labels) {
  return total(summary, "grpc_calls", labels) + total(summary, "grpc_streams_ended", labels) +
         total(summary, "http_requests", labels);
}

double good_ends(const Summary& summary) {
  double good = 0;
  for (const std::string_view name : {"grpc_calls", "grpc_streams_ended", "http_requests"}) {
    const MetricSnapshot* metric = summary.metrics.find(name);
    if (!metric) continue;
    for (const SeriesSnapshot& series : metric->series) {
      for (const auto& [label, value] : series.labels) good += label == "code" && ended_well(value) ? series.value : 0;
    }
  }
  return good;
}

/// Those the plan has left on purpose, as a stream that has given enough: cancelled while iterations ended well,
/// neither by mistake (a leak) nor by the other side (an error).
double left_on_purpose(const Summary& summary) {
  const auto& errors = summary.errors;
  const bool by_peer = std::any_of(errors.begin(), errors.end(), [](const auto& e) { return e.code == "CANCELLED"; });
  const bool well = std::any_of(summary.scenarios.begin(), summary.scenarios.end(),
                                [](const ScenarioProgress& s) { return s.succeeded > 0; });
  if (by_peer || !well || total(summary, "grpc_streams_leaked", {}) > 0) return 0;
  return ended(summary, {{"code", "CANCELLED"}}) + ended(summary, {{"code", "cancelled"}});
}

/// Calls or streams were made, and none ended OK; or every iteration failed.
std::string nothing_succeeded(const Summary& summary) {
  const double made = ended(summary, {}) - left_on_purpose(summary);
  const double good = good_ends(summary);
  const std::string first = summary.errors.empty() ? "" : "; first error: " + text_of(summary.errors.front());
  const bool only_http = total(summary, "http_requests") == ended(summary, {});
  if (made > 0 && good == 0)
    return (only_http ? "not one request succeeded" : "not one call or stream succeeded") + first;
  const double iterations = total(summary, "iterations");
  if (iterations > 0 && total(summary, "iterations_failed") == iterations) return "every iteration failed" + first;
  return "";
}

std::string_view phase_of(const SeriesSnapshot& series) {
  const auto at =
      std::find_if(series.labels.begin(), series.labels.end(), [](const auto& l) { return l.first == "phase"; });
  return at == series.labels.end() ? std::string_view() : std::string_view(at->second);
}

/// Of what a run does, how much outside of warm-up, with or without phases; of all else what a phase has.
bool has_measured(const MetricSnapshot& metric) {
  constexpr std::string_view kWork[] = {"iterations", "grpc_calls", "grpc_streams_ended", "http_requests"};
  const bool is_work = std::find(std::begin(kWork), std::end(kWork), metric.spec.name) != std::end(kWork);
  return std::any_of(metric.series.begin(), metric.series.end(), [&](const SeriesSnapshot& series) {
    const std::string_view phase = phase_of(series);
    return phase != "warmup" && (is_work || !phase.empty()) && (series.count > 0 || series.value > 0);
  });
}

/// All that was done was done in warm-up.
std::string nothing_measured(const Summary& summary) {
  const double warm = total(summary, "iterations", {{"phase", "warmup"}});
  const auto& metrics = summary.metrics.metrics;
  if (warm == 0 || std::any_of(metrics.begin(), metrics.end(), has_measured)) return "";
  return fmt::format("nothing was measured: all iterations ({:.0f}) fell into the warm-up, which does not count", warm);
}

bool aborted_by_threshold(const Summary& summary) {
  return std::any_of(summary.thresholds.begin(), summary.thresholds.end(), [](const auto& t) { return t.aborted; });
}

}  // namespace

std::span<const ExitCode> exit_codes() { return kExitCodes; }

std::string failure_of(const Summary& summary, const std::string& connect_failure) {
  if (!connect_failure.empty()) return connect_failure;
  for (const auto& rule : {failed_thresholds, failed_checks, nothing_succeeded, nothing_measured}) {
    if (std::string why = rule(summary); !why.empty()) return why;
  }
  return "";
}

int exit_code(const RunOutcome& outcome, const Summary& summary, const Settings& settings,
              const std::string& connect_failure, bool output_failed) {
  switch (outcome.end) {
    case RunEnd::signal:
      return kStopped;
    case RunEnd::aborted:
      if (!aborted_by_threshold(summary)) return kAborted;
      break;  // it has failed: that is judged below
    case RunEnd::plan_error:
      if (connect_failure.empty()) return kPlanError;
      break;
    case RunEnd::completed:
      break;
  }
  if (summary.health.validity == Validity::invalid && settings.fail_on_invalid) return kInvalid;
  if (!settings.allow_failures && !failure_of(summary, connect_failure).empty()) return kFailed;
  return output_failed ? kOutputFailed : kOk;
}

}  // namespace lgen::cli
