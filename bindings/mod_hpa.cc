// lgen.hpa: what Kubernetes' autoscaler would make of a load, so that a plan can lay it beside what it has seen.
#include <fmt/format.h>

#include <cmath>

#include "lgen/hpa.h"
#include "lgen/hpa_simulation.h"
#include "lgen/units.h"
#include "mod_load.h"
#include "modules.h"
#include "stack.h"

namespace lgen::lua {
namespace {

constexpr std::string_view kSimulate = "lgen.hpa.simulate";
constexpr double kThousandths = 1000, kMostLoad = 1e9;
constexpr int kMostPods = 100'000;
constexpr std::int64_t kMostRounds = 100'000;

constexpr Key kPolicyKeys[] = {
    {"pods", "integer", "so many pods; either this or percent"},
    {"percent", "integer", "or so many percent of the pods"},
    {"period", "lgen.Duration", "within which they may come or go", true},
};
constexpr Key kRuleKeys[] = {
    {"policies", "lgen.HpaPolicy[]", "default: up 4 pods or 100 % in 15s, down 100 % in 15s; {}: Kubernetes' own"},
    {"select", "\"max\"|\"min\"|\"disabled\"", "which of several counts; default max"},
    {"stabilization", "lgen.Duration", "default: up 0s, down 5m"},
};
constexpr Key kBehaviorKeys[] = {
    {"up", "lgen.HpaRules", "scaleUp"},
    {"down", "lgen.HpaRules", "scaleDown"},
};
constexpr Key kCpuKeys[] = {
    {"percent", "number", "averageUtilization", true},
    {"per_load", "number", "cores that one unit of load takes", true},
    {"request", "number", "cores that each pod requests; without it the metric fails, as in Kubernetes"},
};
constexpr Key kSimulateKeys[] = {
    {"stages", "(lgen.Stage|table)[]",
     "the load in straight lines: {{duration = \"5m\", target = 120}, {\"10m\", 120}}; "
     "this or load"},
    {"load", "number[][]",
     "the load as it was measured: {{at, load}, …}, at in seconds, rising; straight lines between"},
    {"start_load", "number", "where the first stage begins; default 0"},
    {"length", "lgen.Duration", "how long to go on; default: the stages and 10m, or to the last point of load"},
    {"min", "integer", "minReplicas, default 1"},
    {"max", "integer", "maxReplicas", true},
    {"replicas", "integer", "pods at the start, default min"},
    {"target", "number", "averageValue of a Pods metric that counts the load; this, cpu, or both"},
    {"cpu", "lgen.HpaCpu", "a Resource metric"},
    {"behavior", "lgen.HpaBehavior", "policies and stabilization windows"},
    {"tolerance", "number", "within which nothing moves, default 0.1"},
    {"sync_period", "lgen.Duration", "between two rounds of the autoscaler, default 15s"},
    {"metric_lag", "lgen.Duration", "how old its metrics are, default 0"},
    {"pod_start", "lgen.Duration", "from a pod's creation to its readiness, default 0"},
};
constexpr Key kRoundKeys[] = {
    {"at", "number", "seconds from the start", true},
    {"load", "number", "then", true},
    {"replicas", "integer", "before the round", true},
    {"ready", "integer", "of these", true},
    {"desired", "integer", "after it", true},
    {"why", "string", "what keeps the replicas or moves them, in Kubernetes' words", true},
};
constexpr KeySet kPolicy{"lgen.HpaPolicy", kPolicyKeys};
constexpr KeySet kRules{"lgen.HpaRules", kRuleKeys};
constexpr KeySet kBehavior{"lgen.HpaBehavior", kBehaviorKeys};
constexpr KeySet kCpu{"lgen.HpaCpu", kCpuKeys};
constexpr KeySet kSimulation{"lgen.HpaSimulation", kSimulateKeys};
constexpr KeySet kRound{"lgen.HpaRound", kRoundKeys};
constexpr KeySet kOptions[] = {kSimulation, kCpu, kBehavior, kRules, kPolicy, kRound};

double amount_field(lua_State* L, int table, const char* key, std::string_view what, double otherwise) {
  const double value = number_field(L, table, key, what).value_or(otherwise);
  if (value >= 0 && value <= kMostLoad) return value;
  raise(L, fmt::format("{}: {}: a number from 0 to {:g} expected, got {:g}", what, key, kMostLoad, value));
}

double needed_amount(lua_State* L, int table, const char* key, std::string_view what) {
  const double value = amount_field(L, table, key, what, 0);
  if (value <= 0) raise(L, fmt::format("{}: {}: a number above 0 is needed", what, key));
  return value;
}

int pods_field(lua_State* L, const char* key, int least, int otherwise) {
  return static_cast<int>(integer_field(L, 1, key, kSimulate, least, kMostPods).value_or(otherwise));
}

void time_field(lua_State* L, const char* key, Duration& to) { to = duration_field(L, 1, key, kSimulate).value_or(to); }

/// {at, load}, at the top of L.
hpa::LoadPoint read_point(lua_State* L, std::string_view what) {
  check_table(L, -1, what);
  const int point = lua_gettop(L);
  lua_rawgeti(L, point, 1);
  lua_rawgeti(L, point, 2);
  const hpa::LoadPoint read{check_duration(L, point + 1, fmt::format("{}[1]", what)),
                            check_number(L, point + 2, fmt::format("{}[2]", what))};
  lua_pop(L, 2);
  if (read.load >= 0 && read.load <= kMostLoad) return read;
  raise(L, fmt::format("{}: a load from 0 to {:g} expected, got {:g}", what, kMostLoad, read.load));
}

void read_points(lua_State* L, int list, hpa::Simulation& to) {
  check_table(L, list, fmt::format("{}: load", kSimulate));
  for (int i = 1; i <= static_cast<int>(lua_objlen(L, list)); ++i) {
    lua_rawgeti(L, list, i);
    const hpa::LoadPoint point = read_point(L, fmt::format("{}: load[{}]", kSimulate, i));
    lua_pop(L, 1);
    if (!to.load.empty() && point.at < to.load.back().at) {
      raise(L, fmt::format("{}: load[{}]: it is before the point in front of it", kSimulate, i));
    }
    to.load.push_back(point);
  }
  if (to.load.empty()) raise(L, fmt::format("{}: load: at least one {{at, load}} expected", kSimulate));
  to.length = to.load.back().at;
}

void read_ramp(lua_State* L, hpa::Simulation& to) {
  to.load = {{Duration{0}, amount_field(L, 1, "start_load", kSimulate, 0)}};
  for (const Stage& stage : read_stages(L, kSimulate)) {
    to.load.push_back({to.load.back().at + stage.duration, stage.target});
  }
  to.length = to.load.back().at + std::chrono::minutes(10);
}

void read_load(lua_State* L, hpa::Simulation& to) {
  const bool points = with_field(L, 1, "load", [&](int list) { read_points(L, list, to); });
  const bool stages = get_field(L, 1, "stages");
  if (stages) lua_pop(L, 1);
  if (points == stages) raise(L, fmt::format("{}: which load? either stages or load is needed", kSimulate));
  if (stages) read_ramp(L, to);
  time_field(L, "length", to.length);
}

hpa::Policy read_policy(lua_State* L, std::string_view what) {
  const int table = lua_gettop(L);
  check_options(L, table, what, kPolicy);
  const auto pods = integer_field(L, table, "pods", what, 1, kMostPods);
  const auto percent = integer_field(L, table, "percent", what, 1, kMostPods);
  const auto period = duration_field(L, table, "period", what);
  if (pods.has_value() == percent.has_value()) raise(L, fmt::format("{}: either pods or percent is needed", what));
  if (!period || *period <= Duration{0} || *period > hpa::kLongestPeriod) {
    raise(L,
          fmt::format("{}: period: more than 0s and at most {} is needed", what, format_duration(hpa::kLongestPeriod)));
  }
  return {pods ? hpa::Policy::Type::pods : hpa::Policy::Type::percent, pods ? *pods : *percent, *period};
}

void read_policies(lua_State* L, int list, std::string_view what, hpa::Rules& to) {
  check_table(L, list, fmt::format("{}: policies", what));
  if (lua_objlen(L, list) == 0) return;
  to.policies.clear();
  for (int i = 1; i <= static_cast<int>(lua_objlen(L, list)); ++i) {
    lua_rawgeti(L, list, i);
    to.policies.push_back(read_policy(L, fmt::format("{}: policies[{}]", what, i)));
    lua_pop(L, 1);
  }
}

void read_rules(lua_State* L, int table, std::string_view what, hpa::Rules& to) {
  check_options(L, table, what, kRules);
  with_field(L, table, "policies", [&](int list) { read_policies(L, list, what, to); });
  const std::string select = string_field(L, table, "select", what).value_or("max");
  if (select != "max" && select != "min" && select != "disabled") {
    raise(L, fmt::format("{}: select: '{}' is none of max, min, disabled", what, select));
  }
  to.select = select == "max" ? hpa::Select::max : select == "min" ? hpa::Select::min : hpa::Select::disabled;
  if (const auto window = duration_field(L, table, "stabilization", what)) to.stabilization = *window;
  if (to.stabilization > hpa::kLongestStabilization) {
    raise(L,
          fmt::format("{}: stabilization: at most {} is possible", what, format_duration(hpa::kLongestStabilization)));
  }
}

void read_behavior(lua_State* L, int table, hpa::Spec& to) {
  const std::string what = fmt::format("{}: behavior", kSimulate);
  check_options(L, table, what, kBehavior);
  hpa::Behavior& behavior = to.behavior.emplace();
  with_field(L, table, "up", [&](int rules) { read_rules(L, rules, what + ": up", behavior.up); });
  with_field(L, table, "down", [&](int rules) { read_rules(L, rules, what + ": down", behavior.down); });
}

void read_cpu(lua_State* L, int table, hpa::Simulation& to) {
  const std::string what = fmt::format("{}: cpu", kSimulate);
  check_options(L, table, what, kCpu);
  const double percent = needed_amount(L, table, "percent", what);
  to.spec.metrics.push_back(
      {hpa::Metric::Type::resource, "cpu", hpa::Metric::Target::utilization, static_cast<std::int64_t>(percent)});
  to.per_load.push_back(kThousandths * needed_amount(L, table, "per_load", what));
  to.cpu_request = std::llround(kThousandths * amount_field(L, table, "request", what, 0));
}

void read_metrics(lua_State* L, hpa::Simulation& to) {
  with_field(L, 1, "target", [&](int) {
    const double goal = needed_amount(L, 1, "target", kSimulate);
    to.spec.metrics.push_back({hpa::Metric::Type::pods, "load", hpa::Metric::Target::average_value,
                               std::max(1LL, std::llround(goal * kThousandths))});
    to.per_load.push_back(kThousandths);
  });
  with_field(L, 1, "cpu", [&](int table) { read_cpu(L, table, to); });
  if (to.spec.metrics.empty()) raise(L, fmt::format("{}: which metric? target, cpu, or both", kSimulate));
}

void read_controller(lua_State* L, hpa::Simulation& to) {
  to.controller.tolerance = amount_field(L, 1, "tolerance", kSimulate, to.controller.tolerance);
  time_field(L, "sync_period", to.controller.sync_period);
  time_field(L, "metric_lag", to.metric_lag);
  time_field(L, "pod_start", to.pod_start);
  if (to.controller.sync_period < std::chrono::seconds(1)) {
    raise(L, fmt::format("{}: sync_period: at least 1s is needed", kSimulate));
  }
  if (to.length / to.controller.sync_period > kMostRounds) {
    raise(L, fmt::format("{}: that is more than {} rounds; shorten length", kSimulate, kMostRounds));
  }
}

hpa::Simulation read_simulation(lua_State* L) {
  check_options(L, 1, kSimulate, kSimulation);
  hpa::Simulation simulation;
  read_load(L, simulation);
  simulation.spec.min = pods_field(L, "min", 0, 1);
  simulation.spec.max = pods_field(L, "max", 0, 0);
  simulation.replicas = pods_field(L, "replicas", 0, 0);
  if (simulation.spec.max < std::max(simulation.spec.min, 1)) {
    raise(L, fmt::format("{}: max: at least 1 and min is needed", kSimulate));
  }
  read_metrics(L, simulation);
  with_field(L, 1, "behavior", [&](int table) { read_behavior(L, table, simulation.spec); });
  read_controller(L, simulation);
  return simulation;
}

void push_round(lua_State* L, const hpa::Round& round) {
  lua_createtable(L, 0, std::size(kRoundKeys));
  const auto number = [L](const char* key, double value) {
    lua_pushnumber(L, value);
    lua_setfield(L, -2, key);
  };
  number("at", to_seconds(round.at));
  number("load", round.load);
  number("replicas", round.replicas);
  number("ready", round.ready);
  number("desired", round.decision.desired);
  push(L, explain(round.decision));
  lua_setfield(L, -2, "why");
}

int simulate(lua_State* L) {
  const std::vector<hpa::Round> rounds = hpa::simulate(read_simulation(L));
  lua_createtable(L, static_cast<int>(rounds.size()), 0);
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    push_round(L, rounds[i]);
    lua_rawseti(L, -2, static_cast<int>(i + 1));
  }
  return 1;
}

constexpr Binding kHpa[] = {
    {"simulate", simulate, "fun(o: lgen.HpaSimulation): lgen.HpaRound[]",
     "[R] The rounds of an autoscaler over a load, shared evenly by the pods that are ready, as `lgen hpa simulate`."},
};

}  // namespace

const Module kHpaModule{.name = "lgen.hpa",
                        .doc = "Kubernetes' replica arithmetic (autoscaling/v2), as a pure function.",
                        .bindings = kHpa,
                        .option_tables = kOptions};

}  // namespace lgen::lua
