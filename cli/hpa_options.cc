#include "hpa_options.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "lgen/units.h"

namespace lgen::cli {
namespace {

constexpr OptionRow kOptions[] = {
    {"stages", "LENGTH:LOAD,..", "the load goes in straight lines, as in --config: \"5m:120,10m:120,1m:0\"", "",
     "Load"},
    {"start-load", "N", "the load at the start", "0", "Load"},
    {"length", "DURATION", "how long to go on", "the stages and 10m", "Load"},
    {"min", "N", "minReplicas", "1", "Autoscaler"},
    {"max", "N", "maxReplicas", "10", "Autoscaler"},
    {"replicas", "N", "pods at the start", "--min", "Autoscaler"},
    {"target", "N", "averageValue of a Pods metric that counts the load", "", "Autoscaler"},
    {"cpu", "PERCENT", "averageUtilization of a Resource metric", "", "Autoscaler"},
    {"cpu-per-load", "CPU", "what one unit of load takes: \"12m\"", "", "Autoscaler"},
    {"cpu-request", "CPU", "what each pod requests: \"250m\"; without it the metric fails", "", "Autoscaler"},
    {"scale-up", "POLICIES", "behavior: \"4/15s,100%/15s\"", "", "Autoscaler"},
    {"scale-down", "POLICIES", "the same; \"disabled\": never", "", "Autoscaler"},
    {"select-up", "max|min", "of several policies, which counts", "max", "Autoscaler"},
    {"select-down", "max|min", "the same", "max", "Autoscaler"},
    {"stabilization-up", "DURATION", "stabilizationWindowSeconds", "0s", "Autoscaler"},
    {"stabilization-down", "DURATION", "the same", "5m", "Autoscaler"},
    {"tolerance", "SHARE", "within which nothing moves", "0.1", "Cluster"},
    {"sync-period", "DURATION", "between two rounds of the autoscaler", "15s", "Cluster"},
    {"metric-lag", "DURATION", "how old its metrics are", "0s", "Cluster"},
    {"pod-start", "DURATION", "from a pod's creation to its readiness", "0s", "Cluster"},
    {"cpu-initialization-period", "DURATION", "in which CPU of a pod that starts does not count", "5m", "Cluster"},
    {"all", "", "print every round, not only those in which something changes", "", "Output"},
    {"format", "text|json", "how to print it", "text", "Output"},
    {"no-color", "", "no colours", "", "Output"},
};

constexpr double kThousandths = 1000;
constexpr double kMostRounds = 100'000;
constexpr double kMostLoad = 1e9, kMostInPolicy = 100'000;

Error refuse(std::string_view option, std::string_view what) {
  return make_error(ErrorCode::invalid_argument, fmt::format("hpa: --{}: {}", option, what));
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || at != text.data() + text.size() || !std::isfinite(value) || value < 0)
    return std::nullopt;
  return value;
}

/// Reads one option after the other and keeps the first error, so that reading is one line for each.
class Reader {
 public:
  explicit Reader(const Words& words) : words_(words) {}

  void duration(std::string_view option, Duration& to) {
    if (!words_.has(option)) return;
    const auto value = parse_duration(words_.text(option));
    if (value) {
      to = *value;
    } else {
      fail(option, value.error().message);
    }
  }

  void count(std::string_view option, int& to, int least, int most = 100'000) {
    if (!words_.has(option)) return;
    const auto value = number_of(words_.text(option));
    if (value && *value == std::floor(*value) && *value >= least && *value <= most) {
      to = static_cast<int>(*value);
    } else {
      fail(option, fmt::format("'{}' is no whole number from {} to {}", words_.text(option), least, most));
    }
  }

  void number(std::string_view option, double& to, double most) {
    if (!words_.has(option)) return;
    const auto value = number_of(words_.text(option));
    if (value && *value <= most) {
      to = *value;
    } else {
      fail(option, fmt::format("'{}' is no number from 0 to {:g}", words_.text(option), most));
    }
  }

  /// "250m", "0.25" or "2": thousandths of a core.
  void cpu(std::string_view option, double& to) {
    if (!words_.has(option)) return;
    std::string text = words_.text(option);
    const bool milli = text.ends_with('m');
    if (milli) text.pop_back();
    const auto value = number_of(text);
    if (value && *value > 0 && *value <= kMostLoad) {
      to = milli ? *value : *value * kThousandths;
    } else {
      fail(option, fmt::format("'{}' is no amount of CPU; write 250m or 0.25", words_.text(option)));
    }
  }

  void fail(std::string_view option, std::string_view what) {
    if (!error_) error_ = refuse(option, what);
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  const Words& words_;
  std::optional<Error> error_;
};

void read_stages(const Words& words, Reader& reader, hpa::Simulation& to) {
  double start = 0;
  reader.number("start-load", start, kMostLoad);
  to.load = {{Duration{0}, start}};
  for (const std::string& text : split_commas({words.text("stages")})) {
    const std::string_view stage = text;
    const std::size_t colon = stage.find(':');
    const auto load = number_of(colon == stage.npos ? "" : stage.substr(colon + 1));
    const auto length = parse_duration(stage.substr(0, colon));
    if (!load || !length) {
      return reader.fail("stages", fmt::format("'{}' is no LENGTH:LOAD; write it as 5m:120", stage));
    }
    if (*load > kMostLoad) return reader.fail("stages", fmt::format("'{}': a load of at most {:g}", stage, kMostLoad));
    to.load.push_back({to.load.back().at + *length, *load});
  }
  to.length = to.load.back().at + std::chrono::minutes(10);
  reader.duration("length", to.length);
}

std::optional<hpa::Policy> policy_of(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  const bool percent = text.substr(0, slash).ends_with('%');
  const auto value = number_of(text.substr(0, slash - (percent ? 1 : 0)));
  const auto period = parse_duration(text.substr(slash + 1));
  if (!value || *value < 1 || *value > kMostInPolicy || *value != std::floor(*value)) return std::nullopt;
  if (!period || *period <= Duration{0} || *period > hpa::kLongestPeriod) return std::nullopt;
  return hpa::Policy{percent ? hpa::Policy::Type::percent : hpa::Policy::Type::pods, static_cast<std::int64_t>(*value),
                     *period};
}

/// Whether any option speaks of this direction.
bool read_rules(const Words& words, Reader& reader, const std::string& way, hpa::Rules& rules) {
  const std::string policies = "scale-" + way, select = "select-" + way, window = "stabilization-" + way;
  if (words.has(policies)) {
    const std::string text = words.text(policies);
    rules.policies.clear();
    if (text == "disabled") rules.select = hpa::Select::disabled;
    for (const std::string& one : text == "disabled" ? std::vector<std::string>{} : split_commas({text})) {
      const auto policy = policy_of(one);
      if (!policy)
        reader.fail(
            policies,
            fmt::format("'{}' is no policy; write 4/15s or 100%/15s (a period of at most 30m), or disabled", one));
      rules.policies.push_back(policy.value_or(hpa::Policy{}));
    }
  }
  const std::string chosen = words.text(select, "max");
  if (chosen != "max" && chosen != "min") reader.fail(select, fmt::format("'{}' is neither max nor min", chosen));
  if (chosen == "min" && rules.select == hpa::Select::max) rules.select = hpa::Select::min;
  if (words.has(window)) reader.duration(window, rules.stabilization.emplace());
  if (rules.stabilization > hpa::kLongestStabilization) reader.fail(window, "Kubernetes takes at most 1h");
  return words.has(policies) || words.has(select) || words.has(window);
}

void read_behavior(const Words& words, Reader& reader, hpa::Spec& spec) {
  hpa::Behavior behavior;
  const bool up = read_rules(words, reader, "up", behavior.up), down = read_rules(words, reader, "down", behavior.down);
  if (up || down) spec.behavior = behavior;
}

void read_metrics(const Words& words, Reader& reader, hpa::Simulation& to) {
  double target = 0, percent = 0, each = 0, request = 0;
  reader.number("target", target, kMostLoad);
  reader.number("cpu", percent, 10'000);
  reader.cpu("cpu-per-load", each);
  reader.cpu("cpu-request", request);
  if (words.has("target")) {
    const auto goal = std::llround(target * kThousandths);
    if (goal < 1) reader.fail("target", "a target is at least 0.001");
    to.spec.metrics.push_back({hpa::Metric::Type::pods, "load", hpa::Metric::Target::average_value, goal});
    to.per_load.push_back(kThousandths);
  }
  if (words.has("cpu")) {
    if (percent < 1) reader.fail("cpu", "a target is at least 1 percent");
    if (each <= 0) reader.fail("cpu", "how much CPU is that? --cpu-per-load says what one unit of load takes");
    to.spec.metrics.push_back(
        {hpa::Metric::Type::resource, "cpu", hpa::Metric::Target::utilization, static_cast<std::int64_t>(percent)});
    to.per_load.push_back(each);
  }
  to.cpu_request = std::llround(request);
}

Outcome check(const Words& words, const hpa::Simulation& simulation) {
  if (!words.has("stages")) return refuse("stages", "which load? --stages 5m:120,10m:120,1m:0");
  if (simulation.spec.metrics.empty()) return refuse("target", "which metric? --target 15, or --cpu 80, or both");
  if (simulation.spec.max < simulation.spec.min) return refuse("max", "less than --min");
  const Duration period = simulation.controller.sync_period;
  if (period < std::chrono::seconds(1)) return refuse("sync-period", "at least 1s");
  if (to_seconds(simulation.length) / to_seconds(period) > kMostRounds) {
    return refuse("length", fmt::format("more than {:g} rounds of {}", kMostRounds, format_duration(period)));
  }
  return Done{};
}

}  // namespace

std::span<const OptionRow> hpa_options() { return kOptions; }

Result<hpa::Simulation> read_simulation(const Words& words) {
  hpa::Simulation simulation{.spec = {.max = 10}};
  Reader reader(words);
  if (words.has("stages")) read_stages(words, reader, simulation);
  reader.count("min", simulation.spec.min, 1);
  reader.count("max", simulation.spec.max, 1);
  reader.count("replicas", simulation.replicas, 1);
  read_metrics(words, reader, simulation);
  read_behavior(words, reader, simulation.spec);
  reader.number("tolerance", simulation.controller.tolerance, 1);
  reader.duration("sync-period", simulation.controller.sync_period);
  reader.duration("cpu-initialization-period", simulation.controller.cpu_initialization_period);
  reader.duration("metric-lag", simulation.metric_lag);
  reader.duration("pod-start", simulation.pod_start);
  if (reader.error()) return *reader.error();
  if (const Outcome sound = check(words, simulation); !sound) return sound.error();
  return simulation;
}

}  // namespace lgen::cli
