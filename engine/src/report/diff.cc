// Each figure of both runs is drawn again some thousand times, as if the run were repeated: quantiles from the
// histograms (bootstrap.cc), counts as Poisson, shares as binomial variables. The interval of the change holds 99 % of
// the replicates' changes. A row is better or worse when that whole interval lies on one side of 0 and the change
// itself is at least the least effect: certain and large enough to matter.
//
// What this cannot know: that two runs of the same thing differ by more than their samples, because machines,
// neighbours and caches do. Hence the least effect; and a verdict that matters deserves a second pair of runs.
#include "lgen/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "bootstrap.h"
#include "figures.h"
#include "lgen/http_recorder.h"
#include "lgen/units.h"

namespace lgen {
namespace {

enum class Wanted { less, more, unknown };

constexpr double kBeyond = 5;     // samples that must lie beyond a percentile before it means anything
constexpr double kFewCount = 20;  // samples of a rate or a share

/// The generator's own figures say nothing of the system under test.
constexpr std::string_view kOwn[] = {"start_lag_seconds", "loop_lag_seconds", "slice_seconds", "gc_pause_seconds"};
/// Labels that say where something went or how it ended, not what it was; names of pods differ from run to run.
constexpr std::string_view kFolded[] = {"backend", "channel", "pool", "code", "phase"};

/// Counters whose rates are worth a row; others count what went wrong.
constexpr std::string_view kThroughput[] = {
    "iterations", "grpc_calls", "grpc_streams_opened", "grpc_messages_sent", "grpc_messages_received", "http_requests"};

template <class Range>
bool holds(const Range& range, std::string_view name) {
  return std::find(std::begin(range), std::end(range), name) != std::end(range);
}

/// The rows of a metric: series that differ in folded labels alone, added up.
using Groups = std::map<Labels, SeriesSnapshot>;

Labels folded(const SeriesSnapshot& series) {
  Labels labels;
  for (const auto& label : series.labels) {
    if (!holds(kFolded, label.first)) labels.push_back(label);
  }
  return labels;
}

Groups groups_of(const MetricSnapshot& metric) {
  std::map<Labels, MetricSnapshot> parts;
  for (const SeriesSnapshot& series : metric.series) {
    if (is_warmup(series)) continue;
    MetricSnapshot& part = parts.try_emplace(folded(series), MetricSnapshot{metric.spec, {}}).first->second;
    part.series.push_back(series);
  }
  Groups groups;
  for (const auto& [labels, part] : parts) groups.emplace(labels, aggregate(part, {}));
  return groups;
}

std::string title(const MetricSpec& spec, const Labels& labels) {
  std::string text = spec.name;
  for (const auto& [name, value] : labels)
    text += fmt::format("{}{}={}", &value == &labels[0].second ? "{" : ",", name, value);
  return labels.empty() ? text : text + "}";
}

/// Makes the rows.
class Comparison {
 public:
  Comparison(const Summary& a, const Summary& b, const DiffSettings& settings) : a_(a), b_(b), random_(settings.seed) {
    diff_.settings = settings;
  }

  Diff run() {
    for (const MetricSnapshot& metric : a_.metrics.metrics) {
      const MetricSnapshot* other = b_.metrics.find(metric.spec.name);
      compare_metric(metric, other ? *other : MetricSnapshot{metric.spec, {}});
    }
    for (const MetricSnapshot& metric : b_.metrics.metrics) {
      if (!a_.metrics.find(metric.spec.name)) compare_metric(MetricSnapshot{metric.spec, {}}, metric);
    }
    return std::move(diff_);
  }

 private:
  void compare_metric(const MetricSnapshot& a, const MetricSnapshot& b);
  void compare_series(const MetricSpec& spec, const Labels& labels, const SeriesSnapshot& a, const SeriesSnapshot& b);
  void latency_rows(const MetricSpec& spec, const Labels& labels, const Histogram& a, const Histogram& b);
  void rate_row(const MetricSpec& spec, const Labels& labels, double a, double b, Wanted wanted);
  void failed_rows(const MetricSnapshot& a, const MetricSnapshot& b);
  void share_row(DiffRow row, double bad_a, double bad_b);
  void judge(DiffRow& row, Wanted wanted, bool enough, std::vector<double> draws);
  template <class Draw>
  std::vector<double> replicates(Draw draw) {
    std::vector<double> draws(static_cast<std::size_t>(diff_.settings.replicates));
    for (double& one : draws) one = draw();
    return draws;
  }

  const Summary& a_;
  const Summary& b_;
  std::mt19937_64 random_;
  Diff diff_;
};

double relative(double a, double b) {
  if (a == b) return 0;
  return a == 0 ? std::numeric_limits<double>::infinity() : b / a - 1;
}

void Comparison::judge(DiffRow& row, Wanted wanted, bool enough, std::vector<double> draws) {
  std::tie(row.low, row.high) = interval_of(draws, diff_.settings.confidence);
  const bool certain = row.low > 0 || row.high < 0;
  const bool large = std::fabs(relative(row.a, row.b)) >= diff_.settings.min_effect;
  if (!enough) {
    row.verdict = DiffVerdict::too_few;
  } else if (!certain || !large) {
    row.verdict = DiffVerdict::same;
  } else if (wanted == Wanted::unknown) {
    row.verdict = DiffVerdict::changed;
  } else {
    row.verdict = (row.low > 0) == (wanted == Wanted::more) ? DiffVerdict::better : DiffVerdict::worse;
  }
  diff_.rows.push_back(std::move(row));
}

void Comparison::latency_rows(const MetricSpec& spec, const Labels& labels, const Histogram& a, const Histogram& b) {
  const MetricSnapshot unit{spec, {}};
  const Quantiles from_a(a), from_b(b);
  const auto fewest = static_cast<double>(std::min(a.count(), b.count()));
  for (const auto& [stat, p] : {std::pair{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}}) {
    DiffRow row{spec.name, spec.unit, labels, stat};
    row.samples_a = a.count();
    row.samples_b = b.count();
    row.a = unit.in_unit(static_cast<double>(a.percentile(100 * p)));
    row.b = unit.in_unit(static_cast<double>(b.percentile(100 * p)));
    row.change = relative(row.a, row.b);
    const bool enough = fewest * std::min(p, 1 - p) >= kBeyond - 1e-9;
    judge(row, spec.unit == "s" ? Wanted::less : Wanted::unknown, enough, replicates([&] {
            // A tick is the least that can be told from nothing.
            return std::max(1.0, from_b.draw(p, random_)) / std::max(1.0, from_a.draw(p, random_)) - 1;
          }));
  }
}

void Comparison::rate_row(const MetricSpec& spec, const Labels& labels, double a, double b, Wanted wanted) {
  const auto seconds_of = [&](const Summary& run) {
    const MetricSnapshot* metric = run.metrics.find(spec.name);
    return metric ? measured_seconds(run, *metric, labels) : measured_seconds(run);
  };
  const double seconds_a = seconds_of(a_), seconds_b = seconds_of(b_);
  if (seconds_a <= 0 || seconds_b <= 0) return;
  DiffRow row{spec.name, spec.unit, labels, "per second", DiffRow::Kind::rate};
  row.samples_a = static_cast<std::uint64_t>(a);
  row.samples_b = static_cast<std::uint64_t>(b);
  row.a = a / seconds_a;
  row.b = b / seconds_b;
  row.change = relative(row.a, row.b);
  judge(row, wanted, std::max(a, b) >= kFewCount, replicates([&] {
          const auto count = [&](double mean) {
            return mean <= 0 ? 0.0 : static_cast<double>(std::poisson_distribution<std::int64_t>(mean)(random_));
          };
          return count(b) / seconds_b / std::max(count(a) / seconds_a, 0.5 / seconds_a) - 1;
        }));
}

/// A share of bad ones: its change is a difference, because it often begins at 0.
void Comparison::share_row(DiffRow row, double bad_a, double bad_b) {
  row.kind = DiffRow::Kind::share;
  const auto all_a = static_cast<std::int64_t>(row.samples_a), all_b = static_cast<std::int64_t>(row.samples_b);
  if (all_a == 0 || all_b == 0) return;
  row.a = bad_a / static_cast<double>(all_a);
  row.b = bad_b / static_cast<double>(all_b);
  row.change = row.b - row.a;
  const bool enough = std::min(static_cast<double>(all_a), static_cast<double>(all_b)) >= kFewCount;
  judge(row, Wanted::less, enough, replicates([&, a = row.a, b = row.b] {
          const auto share = [&](std::int64_t all, double p) {
            return static_cast<double>(std::binomial_distribution<std::int64_t>(all, p)(random_)) /
                   static_cast<double>(all);
          };
          return share(all_b, b) - share(all_a, a);
        }));
}

/// Those that ended neither OK nor by our own doing.
double failed_in(const MetricSnapshot& metric, const Labels& labels, double& all) {
  double failed = 0;
  all = 0;
  for (const SeriesSnapshot& series : metric.series) {
    if (is_warmup(series) || folded(series) != labels) continue;
    const std::string_view code = label_of(series, "code");
    all += series.value;
    if (!ended_well(code) && code != "CANCELLED" && code != "cancelled") failed += series.value;
  }
  return failed;
}

void Comparison::failed_rows(const MetricSnapshot& a, const MetricSnapshot& b) {
  const Groups groups = groups_of(a);
  for (const auto& [labels, sum] : groups) {
    double all_a = 0, all_b = 0;
    const double failed_a = failed_in(a, labels, all_a), failed_b = failed_in(b, labels, all_b);
    DiffRow row{a.spec.name, "", labels, "failed"};
    row.samples_a = static_cast<std::uint64_t>(all_a);
    row.samples_b = static_cast<std::uint64_t>(all_b);
    share_row(std::move(row), failed_a, failed_b);
  }
}

void Comparison::compare_series(const MetricSpec& spec, const Labels& labels, const SeriesSnapshot& a,
                                const SeriesSnapshot& b) {
  if (spec.type == MetricType::histogram && a.histogram && b.histogram && a.count > 0 && b.count > 0) {
    return latency_rows(spec, labels, *a.histogram, *b.histogram);
  }
  if (spec.type == MetricType::rate) {
    DiffRow row{spec.name, "", labels, "failed"};
    row.samples_a = a.count;
    row.samples_b = b.count;
    return share_row(std::move(row), static_cast<double>(a.count - a.hits), static_cast<double>(b.count - b.hits));
  }
  if (spec.type != MetricType::counter) return;
  if (!spec.built_in) return rate_row(spec, labels, a.value, b.value, Wanted::unknown);
  if (holds(kThroughput, spec.name)) return rate_row(spec, labels, a.value, b.value, Wanted::more);
  const bool bad = spec.name.ends_with("_failed") || spec.name.ends_with("_dropped") ||
                   spec.name.ends_with("_leaked") || spec.name.ends_with("_unanswered") ||
                   spec.name.ends_with("_unmatched");
  if (bad && a.value + b.value > 0) rate_row(spec, labels, a.value, b.value, Wanted::less);
}

bool worth_telling(const MetricSpec& spec, const SeriesSnapshot& series) {
  return spec.type == MetricType::counter ? series.value > 0 : spec.type != MetricType::gauge && series.count > 0;
}

void Comparison::compare_metric(const MetricSnapshot& a, const MetricSnapshot& b) {
  if (holds(kOwn, a.spec.name)) return;
  const Groups in_a = groups_of(a), in_b = groups_of(b);
  for (const auto& [labels, series] : in_a) {
    const auto other = in_b.find(labels);
    if (other != in_b.end()) {
      compare_series(a.spec, labels, series, other->second);
    } else if (worth_telling(a.spec, series)) {
      diff_.only_a.push_back(title(a.spec, labels));
    }
  }
  for (const auto& [labels, series] : in_b) {
    if (!in_a.contains(labels) && worth_telling(b.spec, series)) diff_.only_b.push_back(title(b.spec, labels));
  }
  if (a.spec.name == "grpc_calls" || a.spec.name == "grpc_streams_ended" || a.spec.name == "http_requests")
    failed_rows(a, b);
}

// ---- may they be compared? ----

void warn_if_differ(std::vector<std::string>& out, std::string_view what, const std::string& a, const std::string& b) {
  if (a != b) out.push_back(fmt::format("{}: {} in A, {} in B", what, a.empty() ? "none" : a, b.empty() ? "none" : b));
}

std::string option_text(const Scalar& value) {
  return std::visit([](const auto& typed) { return fmt::format("{}", typed); }, value);
}

/// Options that shape the load, not where results go.
std::map<std::string, std::string> options_of(const RunInfo& run) {
  std::map<std::string, std::string> options;
  constexpr std::string_view kAside[] = {"out",    "seed",  "quiet",    "no-color",       "log",
                                         "target", "trace", "validity", "allow-failures", "transport"};
  for (const auto& [name, value] : run.options) {
    if (!holds(kAside, name)) options[name] = option_text(value);
  }
  return options;
}

void warn_of_options(std::vector<std::string>& out, const RunInfo& a, const RunInfo& b) {
  const auto in_a = options_of(a), in_b = options_of(b);
  std::set<std::string> names;
  for (const auto& [name, value] : in_a) names.insert(name);
  for (const auto& [name, value] : in_b) names.insert(name);
  const auto text = [](const auto& options, const std::string& name) {
    const auto at = options.find(name);
    return at == options.end() ? std::string() : at->second;
  };
  for (const std::string& name : names) warn_if_differ(out, "--" + name, text(in_a, name), text(in_b, name));
}

std::string load_words(const ScenarioProgress& scenario) {
  if (scenario.warmup <= Duration{0}) return scenario.load;
  return fmt::format("{}, {} of it warm-up", scenario.load, format_duration(scenario.warmup));
}

void warn_of_loads(std::vector<std::string>& out, const Summary& a, const Summary& b) {
  const auto load_of = [](const Summary& summary, const std::string& name) {
    const auto at = std::find_if(summary.scenarios.begin(), summary.scenarios.end(),
                                 [&](const ScenarioProgress& scenario) { return scenario.name == name; });
    return at == summary.scenarios.end() ? std::string() : load_words(*at);
  };
  for (const ScenarioProgress& scenario : a.scenarios) {
    warn_if_differ(out, fmt::format("load of {}", scenario.name), load_words(scenario), load_of(b, scenario.name));
  }
}

void warn_of_run(std::vector<std::string>& out, std::string_view which, const Summary& summary) {
  if (summary.health.validity != Validity::valid) {
    out.push_back(fmt::format("the generator of {} was {}{}{}", which,
                              summary.health.validity == Validity::invalid ? "INVALID" : "SUSPECT",
                              summary.health.reasons.empty() ? "" : ": ",
                              summary.health.reasons.empty() ? "" : summary.health.reasons.front()));
  }
  if (summary.run.paused > 0) {
    out.push_back(fmt::format("{} was paused for {}", which, format_duration(from_seconds(summary.run.paused))));
  }
  if (summary.run.end != "completed")
    out.push_back(fmt::format("{} did not run to its end ({})", which, summary.run.end));
}

std::vector<std::string> warnings_of(const Summary& a, const Summary& b) {
  std::vector<std::string> out;
  if (a.run.plan_sha256 != b.run.plan_sha256) {
    out.push_back(a.run.plan == b.run.plan ? fmt::format("{} has changed between the runs", a.run.plan)
                                           : fmt::format("different plans: {} and {}", a.run.plan, b.run.plan));
  }
  warn_if_differ(out, "target", a.run.target, b.run.target);
  warn_if_differ(out, "security", a.run.security, b.run.security);
  warn_if_differ(out, "transport", a.run.transport, b.run.transport);
  warn_if_differ(out, "generator's host", a.run.host, b.run.host);
  warn_if_differ(out, "lgen's version", a.run.lgen_version, b.run.lgen_version);
  warn_of_options(out, a.run, b.run);
  warn_of_loads(out, a, b);
  warn_of_run(out, "A", a);
  warn_of_run(out, "B", b);
  return out;
}

}  // namespace

std::string_view to_string(DiffVerdict verdict) {
  switch (verdict) {
    case DiffVerdict::better:
      return "better";
    case DiffVerdict::worse:
      return "worse";
    case DiffVerdict::changed:
      return "changed";
    case DiffVerdict::same:
      return "same";
    case DiffVerdict::too_few:
      return "too few samples";
  }
  return "";
}

bool Diff::any(DiffVerdict verdict) const {
  return std::any_of(rows.begin(), rows.end(), [&](const DiffRow& row) { return row.verdict == verdict; });
}

Diff compare(const Summary& a, const Summary& b, const DiffSettings& settings) {
  Diff diff = Comparison(a, b, settings).run();
  diff.warnings = warnings_of(a, b);
  if (a.health.validity == Validity::invalid) diff.invalid.emplace_back("A");
  if (b.health.validity == Validity::invalid) diff.invalid.emplace_back("B");
  return diff;
}

}  // namespace lgen
