// lgen.check, lgen.threshold, lgen.distribution: what decides whether a run was good.
#include <fmt/format.h>

#include "host.h"
#include "lgen/units.h"
#include "mod_metrics.h"
#include "modules.h"
#include "stack.h"
#include "task.h"
#include "vu_lua.h"

namespace lgen::lua {
namespace {

struct DistributionHandle {
  static constexpr ObjectType kType{"lgen.Distribution"};
  Distribution* distribution;
};

constexpr std::size_t kMaxChecks = 1000;  // names; a plan that makes them up must not grow for ever
constexpr std::string_view kFurtherChecks = "(further checks)";  // what all others are counted as

CheckState& find_check(MetricsState& state, std::string_view name) {
  const auto at = state.checks_by_name.find(name);
  if (at != state.checks_by_name.end()) return *at->second;
  if (state.checks.size() >= kMaxChecks && name != kFurtherChecks) return find_check(state, kFurtherChecks);
  CheckState& made = state.checks.emplace_back();
  made.result.name = name;
  state.checks_by_name.emplace(name, &made);
  return made;
}

void count_check(Host& host, CheckState& check, bool ok) {
  const LuaVu* vu = host.current ? host.current->vu() : nullptr;
  const std::string_view scenario = vu ? std::string_view(vu->scenario()) : "", phase = vu ? vu->phase() : "";
  if (!check.series || check.scenario != scenario || check.phase != phase) {
    const Labels labels = make_labels({{"scenario", scenario}, {"name", check.result.name}, {"phase", phase}});
    check.series = host.metrics.series("checks", labels);
    check.scenario = scenario;
    check.phase = phase;
  }
  host.metrics.hit(*check.series, ok);
}

/// Text of check's third argument: strings as they are, errors by tostring.
std::string detail_text(lua_State* L, int index) {
  if (lua_isnoneornil(L, index)) return "";
  lua_pushvalue(L, index);
  return pop_error_text(L);
}

/// The detail's text costs a call into Lua, so it is asked for only where it goes somewhere.
void note_failure(lua_State* L, Host& host, CheckState& check) {
  CheckResult& result = check.result;
  const bool keep = result.first_failure.empty() && check.phase != kWarmup;
  if (!keep && !host.on_failure) return;
  const std::string detail = detail_text(L, 3);
  if (keep) result.first_failure = detail;
  host.tell_failure({.kind = "check",
                     .scenario = check.scenario,
                     .phase = check.phase,
                     .where = result.name,
                     .code = "check",
                     .message = detail});
}

int check(lua_State* L) {
  Host& host = host_of(L);
  const std::string_view name = check_string(L, 1, "lgen.check: name");
  if (host.phase == Phase::load) raise(L, "lgen.check: nothing to check while the plan is loading");
  if (lua_gettop(L) < 2) raise(L, fmt::format("lgen.check \"{}\": the value to check is missing", name));
  const bool ok = lua_toboolean(L, 2) != 0;
  CheckState& state = find_check(*host.measure, name);
  CheckResult& result = state.result;
  count_check(host, state, ok);
  if (state.phase == kWarmup) {
    ++(ok ? result.warmup_passes : result.warmup_fails);
  } else {
    ++(ok ? result.passes : result.fails);
  }
  if (!ok) note_failure(L, host, state);
  lua_settop(L, 2);
  return 1;
}

constexpr Key kThresholdKeys[] = {
    {"labels", "table<string, string>", "only series with these labels"},
    {"over", "lgen.Duration", "every window of this length must hold: whole seconds; default: the whole run"},
    {"after", "lgen.Duration",
     "the first so many seconds of the load do not count; refused where nothing of it can be left"},
    {"abort", "boolean", "end the run as soon as it fails"},
};
constexpr KeySet kThresholdOptions{"lgen.ThresholdOptions", kThresholdKeys};

Labels threshold_labels(lua_State* L, std::string_view what) {
  std::map<std::string, std::string> labels;
  if (get_field(L, 3, "labels")) {
    const int table = lua_gettop(L);
    check_table(L, table, fmt::format("{}: labels", what));
    lua_pushnil(L);
    while (lua_next(L, table)) {
      labels.emplace(check_string(L, -2, what), check_string(L, -1, what));
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  return {labels.begin(), labels.end()};
}

/// Sliding in steps of a second, so that is also their unit.
Duration window_length(lua_State* L, std::string_view what) {
  const auto over = duration_field(L, 3, "over", what);
  if (!over) return Duration{0};
  if (*over < std::chrono::seconds(1) || *over % std::chrono::seconds(1) != Duration{0} || *over > kLongestWindow) {
    raise(L, fmt::format("{}: over: whole seconds from 1s to {} expected, got {}", what,
                         format_duration(kLongestWindow), format_duration(*over)));
  }
  return *over;
}

void read_threshold_options(lua_State* L, std::string_view what, Threshold& declared) {
  if (lua_isnoneornil(L, 3)) return;
  check_options(L, 3, what, kThresholdOptions);
  declared.labels = threshold_labels(L, what);
  declared.over = window_length(L, what);
  declared.after = duration_field(L, 3, "after", what).value_or(Duration{0});
  declared.abort = boolean_field(L, 3, "abort", what).value_or(false);
}

int threshold(lua_State* L) {
  Host& host = host_of(L);
  host.only_at_load(L, "lgen.threshold");
  Threshold declared;
  declared.metric = check_string(L, 1, "lgen.threshold: metric");
  declared.text = check_string(L, 2, "lgen.threshold: expression");
  const std::string what = fmt::format("threshold \"{} {}\"", declared.metric, declared.text);
  read_threshold_options(L, what, declared);
  declared.where = where(L);
  const auto expression = parse_threshold(declared.text);
  if (!expression) {
    raise(L, fmt::format("threshold on {} \"{}\", {}", declared.metric, declared.text, expression.error().message));
  }
  declared.expression = *expression;
  host.measure->thresholds.push_back(std::move(declared));
  return 0;
}

constexpr Key kDistributionKeys[] = {
    {"rows", "string", "what a row is; default \"connection\""},
    {"cols", "string", "what a column is; default \"backend\""},
};
constexpr KeySet kDistributionOptions{"lgen.DistributionOptions", kDistributionKeys};

int distribution(lua_State* L) {
  Host& host = host_of(L);
  host.only_at_load(L, "lgen.distribution");
  const std::string name{check_string(L, 1, "lgen.distribution: name")};
  const std::string what = fmt::format("lgen.distribution \"{}\"", name);
  std::string rows = "connection", cols = "backend";
  if (!lua_isnoneornil(L, 2)) {
    check_options(L, 2, what, kDistributionOptions);
    rows = string_field(L, 2, "rows", what).value_or(rows);
    cols = string_field(L, 2, "cols", what).value_or(cols);
  }
  for (const auto& known : host.measure->distributions) {
    if (known->name() == name) raise(L, fmt::format("{}: there is one of that name already", what));
  }
  host.measure->distributions.push_back(std::make_unique<Distribution>(name, rows, cols));
  push_object<DistributionHandle>(L, DistributionHandle{host.measure->distributions.back().get()});
  return 1;
}

Distribution& self(lua_State* L, std::string_view what) {
  return *check_object<DistributionHandle>(L, 1, what).distribution;
}

/// A row or column name: strings, numbers; nil is "unknown".
std::string cell_name(lua_State* L, int index, std::string_view what) {
  if (lua_isnoneornil(L, index)) return std::string(kUnknownBackend);
  if (lua_type(L, index) == LUA_TNUMBER) return fmt::format("{:.14g}", lua_tonumber(L, index));
  return std::string(check_string(L, index, what));
}

int distribution_add(lua_State* L) {
  Distribution& d = self(L, "distribution:add");
  const auto n = lua_isnoneornil(L, 4) ? 1 : check_integer(L, 4, "distribution:add: n", 0, std::int64_t{1} << 53);
  const std::string row = cell_name(L, 2, "distribution:add: row");
  d.add(row, cell_name(L, 3, "distribution:add: column"), static_cast<std::uint64_t>(n));
  return 0;
}

int distribution_table(lua_State* L) {
  const DistributionTable table = self(L, "distribution:table").table();
  lua_newtable(L);
  for (std::size_t row = 0; row < table.row_names.size(); ++row) {
    push(L, table.row_names[row]);
    lua_newtable(L);
    for (std::size_t col = 0; col < table.col_names.size(); ++col) {
      push(L, table.col_names[col]);
      lua_pushnumber(L, static_cast<double>(table.counts[row][col]));
      lua_rawset(L, -3);
    }
    lua_rawset(L, -3);
  }
  return 1;
}

int distribution_jain(lua_State* L) {
  lua_pushnumber(L, jain_index(self(L, "distribution:jain").table()));
  return 1;
}

int distribution_max_over_mean(lua_State* L) {
  lua_pushnumber(L, max_over_mean(self(L, "distribution:max_over_mean").table()));
  return 1;
}

int distribution_verdict(lua_State* L) {
  const Verdict verdict = judge_distribution(self(L, "distribution:verdict").table());
  lua_createtable(L, 0, 5);
  push(L, to_string(verdict.kind));
  lua_setfield(L, -2, "kind");
  push(L, verdict.why);
  lua_setfield(L, -2, "why");
  lua_pushnumber(L, verdict.p);
  lua_setfield(L, -2, "p");
  lua_pushnumber(L, verdict.astray);
  lua_setfield(L, -2, "astray");
  lua_newtable(L);
  for (std::size_t i = 0; i < verdict.subsets.size(); ++i) {
    lua_newtable(L);
    for (std::size_t j = 0; j < verdict.subsets[i].size(); ++j) {
      push(L, verdict.subsets[i][j]);
      lua_rawseti(L, -2, static_cast<int>(j) + 1);
    }
    lua_rawseti(L, -2, static_cast<int>(i) + 1);
  }
  lua_setfield(L, -2, "subsets");
  return 1;
}

constexpr Binding kVerdict[] = {
    {"check", check, "fun(name: string, ok: any, detail?: any): any",
     "[R] Counts whether ok is true; returns ok. A failed check fails the run, unless it was in warm-up or a "
     "threshold on checks says otherwise."},
    {"threshold", threshold, "fun(metric: string, expression: string, o?: lgen.ThresholdOptions)",
     "[R] \"p(99) < 0.25\"; count rate avg min med max p(N). Judged at the end of the run; with `over` in every "
     "window, with `abort` all the time."},
    {"distribution", distribution, "fun(name: string, o?: lgen.DistributionOptions): lgen.Distribution",
     "[R] Which row met which column how often; the report judges it."},
};
constexpr KeySet kVerdictTables[] = {kThresholdOptions, kDistributionOptions};

constexpr Binding kDistribution[] = {
    {"add", distribution_add, "fun(self: lgen.Distribution, row: string|number, col: string|number|nil, n?: integer)",
     "[R] Counts n (default 1) in a cell; a column of nil is \"unknown\"."},
    {"table", distribution_table, "fun(self: lgen.Distribution): table<string, table<string, number>>",
     "Counts by row and column."},
    {"jain", distribution_jain, "fun(self: lgen.Distribution): number", "Jain's index of the columns: 1 is even."},
    {"max_over_mean", distribution_max_over_mean, "fun(self: lgen.Distribution): number",
     "The fullest column over the mean."},
    {"verdict", distribution_verdict,
     "fun(self: lgen.Distribution): {kind: string, why: string, p: number, astray: number, subsets: string[][]}",
     "per_connection, per_stream, per_stream_within_subset or inconclusive."},
};

}  // namespace

const Module kVerdictModule{.name = "lgen", .doc = "", .bindings = kVerdict, .option_tables = kVerdictTables};
const Module kDistributionClass{.name = "lgen.Distribution",
                                .doc = "Counts by row and column, with a verdict.",
                                .bindings = kDistribution,
                                .object = &DistributionHandle::kType,
                                .collect = collect_object<DistributionHandle>};

}  // namespace lgen::lua
