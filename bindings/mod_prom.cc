// lgen.prom: the system under test, watched through its metrics pages.
#include "mod_prom.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "host.h"
#include "lgen/units.h"
#include "modules.h"
#include "prom_wait.h"
#include "stack.h"
#include "task.h"

namespace lgen::lua {
namespace {

constexpr Duration kShortestInterval = std::chrono::milliseconds(10);
constexpr Duration kUsualWait = std::chrono::seconds(60);

struct TargetHandle {
  static constexpr ObjectType kType{"lgen.PromTarget"};
  ScrapeTarget* target;
};

// lgen.prom.target.

constexpr Key kTargetKeys[] = {
    {"interval", "lgen.Duration", "between two rounds in the background; default 1s"},
    {"metrics", "string|string[]",
     "what of the pages goes into the report: names, or patterns with *; thresholds need the whole name; default: all "
     "but the buckets of histograms and the quantiles of summaries"},
    {"timeout", "lgen.Duration", "of one page; default 5s"},
    {"headers", "table<string, string>", "sent with every request"},
};
constexpr KeySet kTargetOptions{"lgen.PromTargetOptions", kTargetKeys};

HttpHeaders headers_field(lua_State* L, int table, std::string_view what) {
  HttpHeaders headers;
  if (!get_field(L, table, "headers")) return headers;
  const int list = lua_gettop(L);
  check_table(L, list, fmt::format("{}: headers", what));
  for (lua_pushnil(L); lua_next(L, list) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) raise(L, fmt::format("{}: headers: names are strings", what));
    const std::string name{to_view(L, -2)};
    headers.emplace_back(name, check_string(L, lua_gettop(L), fmt::format("{}: headers: {}", what, name)));
  }
  lua_pop(L, 1);
  return headers;
}

ScrapeOptions target_options(lua_State* L, std::string_view what) {
  ScrapeOptions options;
  if (const auto& tls = host_of(L).settings.tls) options.tls = *tls;
  options.tls.server_name.clear();  // that is the target's, not the pods'
  if (lua_isnoneornil(L, 3)) return options;
  check_options(L, 3, what, kTargetOptions);
  options.interval = duration_field(L, 3, "interval", what).value_or(options.interval);
  if (options.interval < kShortestInterval) {
    raise(L, fmt::format("{}: interval: at least {} expected", what, format_duration(kShortestInterval)));
  }
  options.timeout = duration_field(L, 3, "timeout", what).value_or(options.timeout);
  if (options.timeout <= Duration{0}) raise(L, fmt::format("{}: timeout: more than 0 expected", what));
  options.metrics = string_list_field(L, 3, "metrics", what);
  options.headers = headers_field(L, 3, what);
  return options;
}

std::vector<std::string> places(lua_State* L, std::string_view what) {
  std::vector<std::string> list;
  if (lua_type(L, 2) == LUA_TSTRING) return {std::string(to_view(L, 2))};
  if (lua_isnoneornil(L, 2)) {
    raise(L, fmt::format("{}: where are its pages? a URL, a list of them, dns:///NAME:PORT or sd+URL expected, got nil "
                         "(lgen.metrics is set by --metrics WHERE and by --local)",
                         what));
  }
  check_table(L, 2, fmt::format("{}: where", what));
  const auto size = static_cast<int>(lua_objlen(L, 2));
  for (int i = 1; i <= size; ++i) {
    lua_rawgeti(L, 2, i);
    list.emplace_back(check_string(L, lua_gettop(L), fmt::format("{}: where[{}]", what, i)));
    lua_pop(L, 1);
  }
  if (list.empty()) raise(L, fmt::format("{}: where: the list is empty", what));
  return list;
}

int target(lua_State* L) {
  Host& host = host_of(L);
  host.only_at_load(L, "lgen.prom.target");
  const std::string name{check_string(L, 1, "lgen.prom.target: name")};
  const std::string what = fmt::format("lgen.prom.target \"{}\"", name);
  if (name.empty()) raise(L, "lgen.prom.target: name: it is empty");
  if (host.prom->find(name)) raise(L, fmt::format("{}: there is one of that name already", what));
  const std::vector<std::string> where = places(L, what);
  auto made = ScrapeTarget::make(host.loop, host.metrics, name, where, target_options(L, what));
  if (!made) raise(L, fmt::format("{}: {}", what, made.error().message));
  host.prom->targets.push_back(std::move(*made));
  push_object<TargetHandle>(L, TargetHandle{host.prom->targets.back().get()});
  return 1;
}

int query(lua_State* L) {
  const std::string base{check_string(L, 1, "lgen.prom.query: base")};
  const std::string promql{check_string(L, 2, "lgen.prom.query: promql")};
  if (const auto url = parse_url(base); !url) raise(L, fmt::format("lgen.prom.query: {}", url.error().message));
  return await_query(L, base, promql);
}

// Targets.

ScrapeTarget& self(lua_State* L, std::string_view what) { return *check_object<TargetHandle>(L, 1, what).target; }

int scrape(lua_State* L) { return await_scrape(L, self(L, "t:scrape")); }

int next_sample(lua_State* L) { return await_next_sample(L, self(L, "t:samples")); }

int samples(lua_State* L) {
  self(L, "t:samples");
  host_of(L).forbid_at_load(L, "t:samples");
  lua_pushlightuserdata(L, &host_of(L));
  lua_pushcclosure(L, next_sample, 1);
  lua_pushvalue(L, 1);
  return 2;
}

/// {name = value} at `index`, or none; values may be numbers.
Labels read_labels(lua_State* L, int index, std::string_view what) {
  std::map<std::string, std::string> labels;
  if (lua_isnoneornil(L, index)) return {};
  check_table(L, index, fmt::format("{}: labels", what));
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) raise(L, fmt::format("{}: labels: names are strings", what));
    const std::string name{to_view(L, -2)};
    const bool number = lua_type(L, -1) == LUA_TNUMBER;
    labels[name] = number ? fmt::format("{:.14g}", lua_tonumber(L, -1))
                          : std::string(check_string(L, lua_gettop(L), fmt::format("{}: label {}", what, name)));
  }
  return {labels.begin(), labels.end()};
}

constexpr Key kWaitKeys[] = {
    {"agg", "\"sum\"|\"max\"|\"min\"|\"avg\"|\"any\"|\"all\"",
     "what is compared: a figure of all series, or each of them; default sum"},
    {"labels", "table<string, string|number>", "only series with these labels"},
    {"hold", "lgen.Duration", "how long it must hold without a break; default 0"},
    {"timeout", "lgen.Duration", "default 60s"},
};
constexpr KeySet kWaitOptions{"lgen.WaitForOptions", kWaitKeys};

template <class List>
[[noreturn]] void raise_choice(lua_State* L, std::string_view what, std::string_view got, const List& list) {
  raise(L, fmt::format("{}: one of {} expected, got '{}'", what, fmt::join(list, " "), got));
}

void read_wait_options(lua_State* L, WaitFor& wanted) {
  wanted.timeout = kUsualWait;
  if (lua_isnoneornil(L, 5)) return;
  check_options(L, 5, "t:wait_for", kWaitOptions);
  const std::string how = string_field(L, 5, "agg", "t:wait_for").value_or("sum");
  const auto aggregate = parse_aggregate(how);
  if (!aggregate) raise_choice(L, "t:wait_for: agg", how, kAggregates);
  wanted.condition.aggregate = *aggregate;
  if (get_field(L, 5, "labels")) {
    wanted.condition.labels = read_labels(L, lua_gettop(L), "t:wait_for");
    lua_pop(L, 1);
  }
  wanted.hold = duration_field(L, 5, "hold", "t:wait_for").value_or(wanted.hold);
  wanted.timeout = duration_field(L, 5, "timeout", "t:wait_for").value_or(wanted.timeout);
}

int wait_for(lua_State* L) {
  ScrapeTarget& of = self(L, "t:wait_for");
  host_of(L).forbid_at_load(L, "t:wait_for");
  WaitFor wanted;
  wanted.condition.metric = check_string(L, 2, "t:wait_for: metric");
  const std::string_view op = check_string(L, 3, "t:wait_for: op");
  const auto comparison = parse_comparison(op);
  if (!comparison) raise_choice(L, "t:wait_for: op", op, kComparisons);
  wanted.condition.comparison = *comparison;
  wanted.condition.bound = check_number(L, 4, "t:wait_for: value");
  read_wait_options(L, wanted);
  return await_condition(L, of, std::move(wanted));
}

int target_tostring(lua_State* L) {
  push(L, fmt::format("lgen.PromTarget \"{}\"", self(L, "tostring").name()));
  return 1;
}

// Samples. Without pages (`lgen check`) every figure is 0.

const SampleHandle& sample_at(lua_State* L, std::string_view what) { return check_object<SampleHandle>(L, 1, what); }

std::vector<PodSeries> chosen(lua_State* L, const SampleHandle& handle, std::string_view what) {
  const std::string_view metric = check_string(L, 2, fmt::format("{}: metric", what));
  const Labels labels = read_labels(L, 3, what);
  return handle.sample ? find_series(*handle.sample, metric, labels) : std::vector<PodSeries>();
}

int push_combined(lua_State* L, Aggregate how, std::string_view what) {
  const SampleHandle& handle = sample_at(L, what);
  const auto value = combine(chosen(L, handle, what), how);
  value || !handle.sample ? lua_pushnumber(L, value.value_or(0)) : lua_pushnil(L);
  return 1;
}

int sample_sum(lua_State* L) { return push_combined(L, Aggregate::sum, "sample:sum"); }
int sample_max(lua_State* L) { return push_combined(L, Aggregate::max, "sample:max"); }
int sample_min(lua_State* L) { return push_combined(L, Aggregate::min, "sample:min"); }
int sample_avg(lua_State* L) { return push_combined(L, Aggregate::avg, "sample:avg"); }

int sample_count(lua_State* L) {
  lua_pushnumber(L, static_cast<double>(chosen(L, sample_at(L, "sample:count"), "sample:count").size()));
  return 1;
}

int sample_value(lua_State* L) {
  const SampleHandle& handle = sample_at(L, "sample:value");
  const std::vector<PodSeries> found = chosen(L, handle, "sample:value");
  if (found.size() == 1 || !handle.sample) {
    lua_pushnumber(L, found.empty() ? 0 : found[0].sample.value);
    return 1;
  }
  const std::string_view metric = to_view(L, 2);
  lua_pushnil(L);
  if (found.empty()) {
    push_error(L, "NOT_FOUND", 5, fmt::format("no page has {} with these labels", metric), "status");
  } else {
    const std::string text =
        fmt::format("{} series of {} fit: choose one by its labels, or take their sum, max, …", found.size(), metric);
    push_error(L, "FAILED_PRECONDITION", 9, text, "status");
  }
  return 2;
}

/// Upvalues: a list {value, labels, value, labels, …} and the place in it.
int next_of_list(lua_State* L) {
  const auto at = static_cast<int>(lua_tointeger(L, lua_upvalueindex(2)));
  lua_pushinteger(L, at + 2);
  lua_replace(L, lua_upvalueindex(2));
  lua_rawgeti(L, lua_upvalueindex(1), at + 1);
  lua_rawgeti(L, lua_upvalueindex(1), at + 2);
  return 2;
}

int sample_each(lua_State* L) {
  const std::vector<PodSeries> found = chosen(L, sample_at(L, "sample:each"), "sample:each");
  lua_createtable(L, static_cast<int>(2 * found.size()), 0);
  int at = 0;
  for (const PodSeries& series : found) {
    lua_pushnumber(L, series.sample.value);
    lua_rawseti(L, -2, ++at);
    lua_newtable(L);
    for (const auto& [name, value] : series.labels()) {
      push(L, name);
      push(L, value);
      lua_rawset(L, -3);
    }
    lua_rawseti(L, -2, ++at);
  }
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, next_of_list, 2);
  return 1;
}

int sample_property(lua_State* L) {
  const SampleHandle& handle = sample_at(L, "sample");
  const Host& host = host_of(L);
  const std::string_view name = lua_type(L, 2) == LUA_TSTRING ? to_view(L, 2) : "";
  if (name == "up") {
    lua_pushnumber(L, handle.sample ? static_cast<double>(handle.sample->up()) : 0);
  } else if (name == "down") {
    lua_pushnumber(L, handle.sample ? static_cast<double>(handle.sample->down()) : 0);
  } else if (name == "at") {
    lua_pushnumber(L, handle.sample ? to_seconds(handle.sample->at - host.run_started) : host.now_seconds());
  } else {
    return 0;
  }
  return 1;
}

int sample_tostring(lua_State* L) {
  const SampleHandle& handle = sample_at(L, "tostring");
  push(L, handle.sample ? fmt::format("lgen.Sample: {} up, {} down", handle.sample->up(), handle.sample->down())
                        : "lgen.Sample");
  return 1;
}

constexpr Binding kProm[] = {
    {"target", target, "fun(name: string, where: string|string[], o?: lgen.PromTargetOptions): lgen.PromTarget",
     "[R] Pods whose metrics pages are read all the time: a URL, a list of them, dns:///NAME:PORT (every address is a "
     "pod) or sd+URL (Prometheus' HTTP service discovery). They go into the report with the labels pod and target, and "
     "can be thresholds' metrics."},
    {"query", query, "fun(base: string, promql: string): any, lgen.Error?",
     "[Y R E] Asks a Prometheus server: a number, a string, or a list of {labels, value, at} ({labels, values = {{at, "
     "value}, …}} for a range)."},
};
constexpr KeySet kPromTables[] = {kTargetOptions, kWaitOptions};

constexpr Binding kTarget[] = {
    {"scrape", scrape, "fun(self: lgen.PromTarget): lgen.Sample?, lgen.Error?",
     "[Y R E] All pages, asked for now; nil when no pod is up."},
    {"samples", samples, "fun(self: lgen.PromTarget): fun(): lgen.Sample?",
     "[Y R] `for sample in t:samples() do`: every round of the background from now on (while the body runs, rounds are "
     "passed over); ends when the VU is told to stop."},
    {"wait_for", wait_for,
     "fun(self: lgen.PromTarget, metric: string, op: \"<\"|\"<=\"|\">\"|\">=\"|\"==\"|\"~=\"|\"!=\", value: number, "
     "o?: lgen.WaitForOptions): number?, lgen.Error?",
     "[Y R E] Waits until it holds and returns the value. It never holds without a series; for all not while a pod is "
     "down."},
};

#define LGEN_FIGURE "fun(self: lgen.Sample, metric: string, labels?: table<string, string|number>): number"
constexpr Binding kSample[] = {
    {"value", sample_value, LGEN_FIGURE "?, lgen.Error?", "[R E] Of the one series that fits."},
    {"sum", sample_sum, LGEN_FIGURE "?",
     "[R] Over all series that fit, of all pods; nil without any. NaN is no value."},
    {"max", sample_max, LGEN_FIGURE "?", "[R] The largest."},
    {"min", sample_min, LGEN_FIGURE "?", "[R] The smallest."},
    {"avg", sample_avg, LGEN_FIGURE "?", "[R] Their mean."},
    {"count", sample_count, LGEN_FIGURE, "[R] How many there are."},
    {"each", sample_each,
     "fun(self: lgen.Sample, metric: string, labels?: table<string, string|number>): fun(): number?, table<string, "
     "string>?",
     "[R] `for value, labels in sample:each \"x\" do`; the label pod says whose it is."},
    {"up", nullptr, "integer", "Pods whose page was read."},
    {"down", nullptr, "integer", "Pods whose page could not be read."},
    {"at", nullptr, "number", "When, in seconds since the start of the run."},
};
#undef LGEN_FIGURE

}  // namespace

const Module kPromModule{.name = "lgen.prom",
                         .doc = "The system under test, watched through its metrics pages.",
                         .bindings = kProm,
                         .option_tables = kPromTables};
const Module kPromTargetClass{.name = "lgen.PromTarget",
                              .doc = "Pods that are watched together.",
                              .bindings = kTarget,
                              .object = &TargetHandle::kType,
                              .collect = collect_object<TargetHandle>,
                              .tostring = target_tostring};
const Module kSampleClass{.name = "lgen.Sample",
                          .doc = "What all pods' pages said at one time.",
                          .bindings = kSample,
                          .object = &SampleHandle::kType,
                          .collect = collect_object<SampleHandle>,
                          .property = sample_property,
                          .tostring = sample_tostring};

}  // namespace lgen::lua
