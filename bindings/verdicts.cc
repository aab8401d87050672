// What the declared thresholds, checks and distributions come to: whether they can be meant, before the run, and what
// its figures say of them, at its end.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host.h"
#include "lgen/grpc.h"
#include "lgen/log.h"
#include "lgen/text.h"
#include "lgen/units.h"
#include "mod_metrics.h"
#include "mod_prom.h"

namespace lgen::lua {
namespace {

/// Tags are known only when they have been used, so a misspelt label of a threshold shows at the end: its name is
/// neither the metric's own nor carried by any series. "" when all is well, or nothing was counted at all.
std::string label_nobody_carries(const Threshold& threshold, const Snapshot& snapshot) {
  const MetricSnapshot* metric = snapshot.find(threshold.metric);
  if (!metric || metric->series.empty()) return "";
  for (const auto& [name, value] : threshold.labels) {
    const auto& own = metric->spec.labels;
    const auto carries = [&name = name](const SeriesSnapshot& series) {
      return std::any_of(series.labels.begin(), series.labels.end(), [&](const auto& l) { return l.first == name; });
    };
    const bool is_own = std::find(own.begin(), own.end(), name) != own.end() || name == "scenario" || name == "phase";
    if (!is_own && std::none_of(metric->series.begin(), metric->series.end(), carries)) return name;
  }
  return "";
}

/// "nothing counted carries the label 'nmae' (did you mean 'name'?)".
std::string explain_label(const std::string& label, const MetricSnapshot& metric) {
  std::vector<std::string_view> names = {"scenario", "phase"};
  for (const SeriesSnapshot& series : metric.series) {
    for (const auto& [name, value] : series.labels) names.push_back(name);
  }
  const std::string_view guess = did_you_mean(label, names);
  return fmt::format("nothing counted carries the label '{}'{}", label,
                     guess.empty() ? "" : fmt::format(" (did you mean '{}'?)", guess));
}

/// Behind "no samples": the first label whose value no series has, with the nearest one that is there; else "".
std::string value_nobody_carries(const Threshold& threshold, const MetricSnapshot& metric) {
  for (const auto& wanted : threshold.labels) {
    std::vector<std::string_view> values;
    for (const SeriesSnapshot& series : metric.series) {
      for (const auto& [name, value] : series.labels) {
        if (name == wanted.first) values.push_back(value);
      }
    }
    if (std::find(values.begin(), values.end(), wanted.second) != values.end()) continue;
    const std::string_view guess = did_you_mean(wanted.second, values);
    return fmt::format(" with {}={}{}", wanted.first, wanted.second,
                       guess.empty() ? "" : fmt::format(" (did you mean '{}'?)", guess));
  }
  return "";
}

/// Samples that the threshold may mean and cannot see: they are counted under overflow="true", which keeps no label but
/// scenario and phase.
std::uint64_t lost_in_overflow(const Threshold& threshold, const MetricSnapshot& metric) {
  Labels kept = {{"overflow", "true"}};
  for (const auto& label : threshold.labels) {
    if (label.first == "overflow") return 0;
    if (label.first == "scenario" || label.first == "phase") kept.push_back(label);
  }
  if (kept.size() > threshold.labels.size()) return 0;  // it asks for nothing that is lost
  const SeriesSnapshot lost = aggregate(metric, kept);
  return metric.spec.type == MetricType::counter ? static_cast<std::uint64_t>(std::llround(lost.value)) : lost.count;
}

/// What was found without them is not the whole truth, unless they could change nothing.
void doubt(const Threshold& threshold, const MetricSnapshot& metric, ThresholdResult& result) {
  const std::uint64_t lost = lost_in_overflow(threshold, metric);
  if (lost == 0 || holds_for_good(result, threshold.expression, metric.spec.type)) return;
  result.ok = false;
  result.why += fmt::format("{}not judged: {} under overflow=\"true\", where labels are lost",
                            result.why.empty() ? "" : "; ", counted(lost, "sample"));
}

/// "no label 'nmae' (did you mean 'name'?)", "no scenario 'x'; there is: a, b".
template <class Names>
Error unknown(const Threshold& threshold, std::string_view what, std::string_view name, const Names& names) {
  const std::string_view guess = did_you_mean(name, names);
  const std::string there = names.empty() ? "; there is none" : fmt::format("; there is: {}", fmt::join(names, ", "));
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("{}threshold on {}: no {} '{}'{}", threshold.where, threshold.metric, what, name,
                                guess.empty() ? there : fmt::format(" (did you mean '{}'?)", guess)));
}

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const std::vector<std::string>& grpc_codes() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < kGrpcCodes; ++i) all.emplace_back(to_string(static_cast<GrpcCode>(i)));
    return all;
  }();
  return names;
}

/// "; grpc_calls has it": metrics of the same things, calls for a latency of calls, that have the label.
std::string relatives_with(std::string_view label, std::string_view metric) {
  const std::string_view family = metric.substr(0, metric.find('_', metric.find('_') + 1));
  std::vector<std::string_view> names;
  for (const MetricSpec& spec : builtin_metrics()) {
    if (spec.name.starts_with(family) && has(spec.labels, label)) names.push_back(spec.name);
  }
  if (names.empty()) return "";
  return fmt::format("; {} {} it", fmt::join(names, ", "), names.size() == 1 ? "has" : "have");
}

Error unknown_label(const Threshold& threshold, std::string_view label, const MetricSpec& spec) {
  Error error = unknown(threshold, "label", label, spec.labels);
  error.message += relatives_with(label, spec.name);
  return error;
}

/// The labels that series of the metric will carry, as far as they are known before the load: its own and tags.
std::vector<std::string> labels_to_come(const Host& host, const MetricSpec& spec) {
  std::vector<std::string> names = {"scenario", "phase"};
  const auto take = [&](const std::string& name) {
    if (!has(names, name)) names.push_back(name);
  };
  for (const std::string& label : spec.labels) take(label);
  for (const auto& [name, value] : host.settings.tags) take(name);
  for (const auto& decl : host.decl.scenarios) {
    for (const auto& [name, value] : decl->spec.tags) take(name);
  }
  return names;
}

/// A tag of that name may come with the load, but a name so near to another is a slip of the pen, most likely, and
/// nobody wants to learn of it at the end.
void warn_of_label(const Threshold& threshold, std::string_view label, const std::vector<std::string>& names) {
  const std::string_view guess = did_you_mean(label, names);
  if (guess.empty()) return;
  log(LogLevel::warn, fmt::format("{}threshold on {}: it has no label '{}' (did you mean '{}'?); unless a tag of that "
                                  "name is used, the threshold fails",
                                  threshold.where, threshold.metric, label, guess));
}

/// A threshold that leaves out more of the load than there can be would only fail when all is over.
Outcome check_times(const Threshold& threshold, const LoadSpan& load) {
  if (threshold.after == Duration{0} && threshold.over == Duration{0}) return Done{};
  const std::string what = fmt::format("{}threshold \"{} {}\": ", threshold.where, threshold.metric, threshold.text);
  const std::string lasts = "the load lasts at most " + format_duration(load.planned);
  if (threshold.after >= load.at_most) {
    return make_error(
        ErrorCode::invalid_argument,
        fmt::format("{}nothing is left to judge after {}: {}, and what runs then {} more", what,
                    format_duration(threshold.after), lasts, format_duration(load.at_most - load.planned)));
  }
  if (threshold.after >= load.planned) {
    log(LogLevel::warn, fmt::format("{}after {} only what runs on in graceful_stop is left to judge: {}", what,
                                    format_duration(threshold.after), lasts));
  } else if (threshold.over > load.planned - threshold.after) {
    log(LogLevel::warn, fmt::format("{}no window of {} fits, so the whole is judged: {}", what,
                                    format_duration(threshold.over), lasts));
  }
  return Done{};
}

/// Which metrics a page has is not known while the plan is loading.
std::string scraped_hint(const PromState& prom, std::string_view metric) {
  if (prom.targets.empty()) return "; what the system under test counts comes from its page: lgen.prom.target(…)";
  return fmt::format("; one of a metrics page has to be named: metrics = {{ \"{}\" }} of lgen.prom.target \"{}\"",
                     metric, prom.targets.front()->name());
}

}  // namespace

Outcome MetricsState::check_threshold_labels(const Threshold& threshold, const MetricSpec& spec) const {
  std::vector<std::string> scenarios, phases;
  for (const auto& scenario : host.decl.scenarios) {
    scenarios.push_back(scenario->spec.name);
    for (const PhaseSpec& phase : scenario->spec.phases) {
      if (!has(phases, phase.name)) phases.push_back(phase.name);
    }
  }
  const std::vector<std::string> to_come = labels_to_come(host, spec);
  for (const auto& [name, value] : threshold.labels) {
    if (!takes_tags(spec) && !has(spec.labels, name)) return unknown_label(threshold, name, spec);
    if (!has(to_come, name)) warn_of_label(threshold, name, to_come);
    if (name == "scenario" && !has(scenarios, value)) return unknown(threshold, "scenario", value, scenarios);
    if (name == "phase" && !has(phases, value)) return unknown(threshold, "phase", value, phases);
    const bool status = name == "code" && spec.built_in && spec.name.starts_with("grpc_");
    if (status && !has(grpc_codes(), value)) return unknown(threshold, "code", value, grpc_codes());
  }
  return Done{};
}

Outcome MetricsState::check_declarations() const {
  for (const Threshold& threshold : thresholds) {
    const auto id = host.metrics.find(threshold.metric);
    if (!id) {
      const std::string_view guess = did_you_mean(threshold.metric, host.metrics.names());
      return make_error(
          ErrorCode::invalid_argument,
          fmt::format("{}threshold: no metric '{}'{}{}", threshold.where, threshold.metric,
                      guess.empty() ? "" : fmt::format(" (did you mean '{}'?)", guess),
                      guess.empty() || !host.prom->targets.empty() ? scraped_hint(*host.prom, threshold.metric) : ""));
    }
    const Outcome fits = check_threshold(threshold, host.metrics.spec(*id));
    if (!fits) return make_error(ErrorCode::invalid_argument, threshold.where + fits.error().message);
    const Outcome labels = check_threshold_labels(threshold, host.metrics.spec(*id));
    if (!labels) return labels;
    const LoadSpan load = load_span(threshold, host.decl.scenarios, host.settings.time_scale);
    if (const Outcome times = check_times(threshold, load); !times) return times;
  }
  return Done{};
}

void MetricsState::start_watching() {
  watch_ = std::make_unique<ThresholdWatch>(host.metrics, thresholds);
  load_clock_ = std::make_unique<LoadClock>(host.decl.scenarios, host.settings.time_scale);
}

void MetricsState::second_over(Duration elapsed) {
  if (!watch_ || watch_->idle()) return;
  const std::vector<ScenarioProgress> progress = host.runner->progress();
  const Duration now = elapsed - host.runner->paused_time();
  host.prom->look();
  const auto load_of = [&](const Threshold& one) {
    const auto id = host.metrics.find(one.metric);
    const bool seen = !id || !host.metrics.spec(*id).scraped || host.prom->sees(one);
    return load_clock_->at(one, progress, now, seen);
  };
  const Threshold* failed = watch_->tick(elapsed, load_of);
  if (!failed) return;
  ended_run_ = failed;
  const auto result = watch_->result(*failed);
  host.runner->abort(fmt::format("threshold '{} {}' failed: {}", failed->metric, failed->text, result->why));
}

ThresholdResult MetricsState::judge_threshold(const Threshold& threshold, const Summary& summary) const {
  const bool of_a_part = threshold.over > Duration{0} || threshold.after > Duration{0};
  const auto watched = of_a_part && watch_ ? watch_->result(threshold) : std::nullopt;
  const auto whole = [&] {
    const MetricSnapshot* metric = summary.metrics.find(threshold.metric);
    const Duration time =
        metric && label_value(threshold, "phase").empty()
            ? from_seconds(measured_seconds(summary, *metric, threshold.labels))
            : LoadClock(host.decl.scenarios, host.settings.time_scale).judged_time(threshold, summary.scenarios);
    return judge(threshold, summary.metrics, time);
  };
  ThresholdResult result = watched ? *watched : whole();
  result.aborted = &threshold == ended_run_;
  return result;
}

void MetricsState::fill(Summary& summary, bool judge_distributions) const {
  for (const Threshold& threshold : thresholds) {
    ThresholdResult& result = summary.thresholds.emplace_back(judge_threshold(threshold, summary));
    if (const std::string label = label_nobody_carries(threshold, summary.metrics); !label.empty()) {
      result.ok = false;
      result.why = explain_label(label, *summary.metrics.find(threshold.metric));
    } else if (const MetricSnapshot* metric = summary.metrics.find(threshold.metric); metric && !result.observed) {
      result.why += value_nobody_carries(threshold, *metric);
    }
    if (const MetricSnapshot* metric = summary.metrics.find(threshold.metric)) doubt(threshold, *metric, result);
    const auto id = host.metrics.find(threshold.metric);
    if (id && host.metrics.spec(*id).scraped) host.prom->qualify(threshold, result);
  }
  for (const CheckState& check : checks) summary.checks.push_back(check.result);
  for (const auto& d : distributions) {
    DistributionTable table = d->table();
    Verdict verdict = judge_distributions ? judge_distribution(table) : Verdict{};
    const double jain = jain_index(table), spread = max_over_mean(table);
    summary.distributions.push_back({std::move(table), std::move(verdict), jain, spread});
  }
  summary.events.insert(summary.events.end(), events.begin(), events.end());
  std::stable_sort(summary.events.begin(), summary.events.end(),
                   [](const EventRecord& a, const EventRecord& b) { return a.at < b.at; });
  summary.events_dropped += events_dropped;
}

}  // namespace lgen::lua
