// lgen.counter, gauge, rate, histogram; lgen.tag, group and event.
#include "mod_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host.h"
#include "modules.h"
#include "stack.h"
#include "tags.h"
#include "task.h"
#include "vu_lua.h"

namespace lgen::lua {
namespace {

constexpr std::size_t kMaxEvents = 10'000;  // kept for the report

/// A metric of the plan. Without labels of its own a sample needs no look-up as long as the same kind of task records.
struct MetricHandle {
  MetricId id;
  std::optional<SeriesId> series;
  TagSet tags;  // of the task `series` belongs to; held, so that no other tags can come to lie where they are
  std::string phase;
};
struct CounterHandle : MetricHandle {
  static constexpr ObjectType kType{"lgen.Counter"};
};
struct GaugeHandle : MetricHandle {
  static constexpr ObjectType kType{"lgen.Gauge"};
};
struct RateHandle : MetricHandle {
  static constexpr ObjectType kType{"lgen.Rate"};
};
struct HistogramHandle : MetricHandle {
  static constexpr ObjectType kType{"lgen.Histogram"};
};

constexpr Key kMetricKeys[] = {
    {"help", "string", "one line"},
    {"unit", "string", "\"s\" or \"B\""},
    {"labels", "string[]", "names a sample may carry"},
    {"scale", "number", "histograms: the value of one tick; by unit: s 1e-6, B 1, else 1e-3"},
    {"max_series", "integer", "further label sets share one series; default 1000"},
};
constexpr KeySet kMetricOptions{"lgen.MetricOptions", kMetricKeys};

template <class Handle>
int define(lua_State* L, MetricType type, std::string_view function) {
  Host& host = host_of(L);
  host.only_at_load(L, function);
  MetricSpec spec;
  spec.type = type;
  spec.name = check_string(L, 1, fmt::format("{}: name", function));
  const std::string what = fmt::format("{} \"{}\"", function, spec.name);
  if (!lua_isnoneornil(L, 2)) {
    check_options(L, 2, what, kMetricOptions);
    spec.help = string_field(L, 2, "help", what).value_or("");
    spec.unit = string_field(L, 2, "unit", what).value_or("");
    spec.labels = string_list_field(L, 2, "labels", what);
    spec.scale = number_field(L, 2, "scale", what).value_or(0);
    const auto most = integer_field(L, 2, "max_series", what, 1, 1'000'000);
    if (most) spec.max_series = static_cast<std::size_t>(*most);
  }
  const auto id = host.metrics.define(std::move(spec));
  if (!id) raise(L, fmt::format("{}: {}", what, id.error().message));
  push_object<Handle>(L, Handle{{*id}});
  return 1;
}

int counter(lua_State* L) { return define<CounterHandle>(L, MetricType::counter, "lgen.counter"); }
int gauge(lua_State* L) { return define<GaugeHandle>(L, MetricType::gauge, "lgen.gauge"); }
int rate(lua_State* L) { return define<RateHandle>(L, MetricType::rate, "lgen.rate"); }
int histogram(lua_State* L) { return define<HistogramHandle>(L, MetricType::histogram, "lgen.histogram"); }

/// A field's value, of its own type.
Scalar field_value(lua_State* L, int index, std::string_view what) {
  if (lua_isboolean(L, index)) return lua_toboolean(L, index) != 0;
  if (lua_type(L, index) == LUA_TNUMBER) return lua_tonumber(L, index);
  return std::string(check_string(L, index, what));
}

/// A number that can be added up: nan and infinity would spoil every sum they enter.
double check_finite(lua_State* L, int index, std::string_view what) {
  const double value = check_number(L, index, what);
  if (!std::isfinite(value)) raise(L, fmt::format("{}: a finite number expected, got {:.14g}", what, value));
  return value;
}

/// {label = value} at `index` into `labels`; raises on a label the metric has not.
void read_labels(lua_State* L, int index, const MetricSpec& spec, std::map<std::string, std::string>& labels) {
  check_table(L, index, fmt::format("{}: labels", spec.name));
  lua_pushnil(L);
  while (lua_next(L, index)) {
    const std::string name = lua_type(L, -2) == LUA_TSTRING ? std::string(to_view(L, -2)) : describe(L, -2);
    if (std::find(spec.labels.begin(), spec.labels.end(), name) == spec.labels.end()) {
      raise(L, fmt::format("{}: unknown label '{}' (it has: {})", spec.name, name,
                           spec.labels.empty() ? "none" : fmt::format("{}", fmt::join(spec.labels, ", "))));
    }
    labels[name] = label_text(L, lua_gettop(L), fmt::format("{}: label {}", spec.name, name));
    lua_pop(L, 1);
  }
}

SeriesId find_series(Host& host, MetricId id, std::map<std::string, std::string> labels) {
  const Task* task = host.current;
  if (task) {
    const TagSet& base = task->vu() ? task->vu()->tags() : host.no_tags;
    const Labels tags = host.measure->tag_limit.admit(*task->tags(), *base);
    labels.insert(tags.begin(), tags.end());
  }
  if (task && task->vu()) {
    labels.emplace("scenario", task->vu()->scenario());
    if (!task->vu()->phase().empty()) labels.emplace("phase", task->vu()->phase());
  }
  return host.metrics.series(id, Labels(labels.begin(), labels.end()));
}

/// The series of a sample with the labels at `index` (or none).
SeriesId series_of(lua_State* L, MetricHandle& metric, int index) {
  Host& host = host_of(L);
  if (!lua_isnoneornil(L, index)) {
    std::map<std::string, std::string> labels;
    read_labels(L, index, host.metrics.spec(metric.id), labels);
    return find_series(host, metric.id, std::move(labels));
  }
  const Task* task = host.current;  // tags are a VU's own or a task's, so they stand for the scenario, too
  const TagSet& tags = task ? task->tags() : host.no_tags;
  const std::string_view phase = task && task->vu() ? task->vu()->phase() : "";
  if (!metric.series || metric.tags != tags || metric.phase != phase) {
    metric.series = find_series(host, metric.id, {});
    metric.tags = tags;
    metric.phase = phase;
  }
  return *metric.series;
}

int counter_add(lua_State* L) {
  auto& metric = check_object<CounterHandle>(L, 1, "counter:add");
  const double n = lua_isnoneornil(L, 2) ? 1 : check_finite(L, 2, "counter:add");
  if (n < 0) raise(L, "counter:add: a counter only rises; use a gauge");
  host_of(L).metrics.add(series_of(L, metric, 3), n);
  return 0;
}

int gauge_set(lua_State* L) {
  auto& metric = check_object<GaugeHandle>(L, 1, "gauge:set");
  const double value = check_finite(L, 2, "gauge:set");
  host_of(L).metrics.set(series_of(L, metric, 3), value);
  return 0;
}

int gauge_add(lua_State* L) {
  auto& metric = check_object<GaugeHandle>(L, 1, "gauge:add");
  const double by = lua_isnoneornil(L, 2) ? 1 : check_finite(L, 2, "gauge:add");
  host_of(L).metrics.shift(series_of(L, metric, 3), by);
  return 0;
}

int rate_add(lua_State* L) {
  auto& metric = check_object<RateHandle>(L, 1, "rate:add");
  const bool yes = check_boolean(L, 2, "rate:add");
  host_of(L).metrics.hit(series_of(L, metric, 3), yes);
  return 0;
}

int histogram_record(lua_State* L) {
  auto& metric = check_object<HistogramHandle>(L, 1, "histogram:record");
  const double value = check_finite(L, 2, "histogram:record");
  if (value < 0) raise(L, fmt::format("histogram:record: a value is not negative, got {:.14g}", value));
  host_of(L).metrics.record(series_of(L, metric, 3), value);
  return 0;
}

Task& current_task(lua_State* L, std::string_view what) {
  Host& host = host_of(L);
  if (!host.current) raise(L, fmt::format("{}: only inside setup, run, teardown or lgen.spawn", what));
  return *host.current;
}

int tag(lua_State* L) {
  Task& task = current_task(L, "lgen.tag");
  const std::string name{check_string(L, 1, "lgen.tag: name")};
  check_tag_name(L, name, "lgen.tag");
  host_of(L).measure->tag_limit.given(L, name);
  std::map<std::string, std::string> tags(task.tags()->begin(), task.tags()->end());
  lua_isnil(L, 2) ? (void)tags.erase(name) : (void)(tags[name] = label_text(L, 2, "lgen.tag: value"));
  task.set_tags(TagSet::make(tags.begin(), tags.end()));
  return 0;
}

/// tag_value(name) -> the task's tag or nil; lua/metrics.lua restores it at the end of a group.
int tag_value(lua_State* L) {
  const std::string_view name = check_string(L, 1, "lgen.group");
  for (const auto& [known, value] : *current_task(L, "lgen.group").tags()) {
    if (known != name) continue;
    push(L, value);
    return 1;
  }
  return 0;
}

/// Keeps the event for the report and tells whoever listens.
void keep_event(Host& host, EventRecord record) {
  if (host.measure->events.size() == kMaxEvents) {
    ++host.measure->events_dropped;
    return;
  }
  if (host.on_event) {
    EventRecord told = record;
    host.redactor.clean(told);
    host.on_event(told);
  }
  host.measure->events.push_back(std::move(record));
}

int event(lua_State* L) {
  Host& host = host_of(L);
  EventRecord record;
  record.at = host.now_seconds();
  record.name = check_string(L, 1, "lgen.event: name");
  if (!lua_isnoneornil(L, 2)) {
    check_table(L, 2, "lgen.event: fields");
    lua_pushnil(L);
    while (lua_next(L, 2)) {
      const std::string key{check_string(L, -2, "lgen.event: field name")};
      record.fields.emplace_back(key, field_value(L, lua_gettop(L), "lgen.event: field"));
      lua_pop(L, 1);
    }
    std::sort(record.fields.begin(), record.fields.end());
  }
  keep_event(host, std::move(record));
  return 0;
}

constexpr Binding kMetrics[] = {
    {"counter", counter, "fun(name: string, o?: lgen.MetricOptions): lgen.Counter", "[R] A sum that only rises."},
    {"gauge", gauge, "fun(name: string, o?: lgen.MetricOptions): lgen.Gauge", "[R] A value that goes up and down."},
    {"rate", rate, "fun(name: string, o?: lgen.MetricOptions): lgen.Rate", "[R] The share of true samples."},
    {"histogram", histogram, "fun(name: string, o?: lgen.MetricOptions): lgen.Histogram",
     "[R] A distribution of values, for percentiles."},
    {"tag", tag, "fun(name: string, value: string|number|boolean|nil)",
     "[R] Labels what this task and its later children count. Beyond 1000 sets of tags: overflow=\"true\" instead."},
    {"group", nullptr, "fun(name: string, fn: function, ...): ...", "[R] Runs fn(...) with the tag group = name."},
    {"event", event, "fun(name: string, fields?: table<string, any>)", "[R] A mark on the time line of the report."},
};
constexpr KeySet kMetricTables[] = {kMetricOptions};

constexpr Binding kCounter[] = {
    {"add", counter_add, "fun(self: lgen.Counter, n?: number, labels?: table<string, any>)", "[R] Adds n, default 1."}};
constexpr Binding kGauge[] = {
    {"set", gauge_set, "fun(self: lgen.Gauge, value: number, labels?: table<string, any>)", "[R] Sets it."},
    {"add", gauge_add, "fun(self: lgen.Gauge, by?: number, labels?: table<string, any>)",
     "[R] Moves it, default by 1."}};
constexpr Binding kRate[] = {
    {"add", rate_add, "fun(self: lgen.Rate, yes: boolean, labels?: table<string, any>)", "[R] One sample."}};
constexpr Binding kHistogram[] = {{"record", histogram_record,
                                   "fun(self: lgen.Histogram, value: number, labels?: table<string, any>)",
                                   "[R] One sample, in the metric's unit."}};
constexpr Binding kPrimitives[] = {{"tag_value", tag_value, "fun(name: string): string?", ""}};

template <class Handle>
constexpr Module metric_class(const char* name, const char* doc, std::span<const Binding> bindings) {
  return Module{
      .name = name, .doc = doc, .bindings = bindings, .object = &Handle::kType, .collect = collect_object<Handle>};
}

}  // namespace

const Module kMetricsModule{.name = "lgen", .doc = "", .bindings = kMetrics, .option_tables = kMetricTables};
const Module kMetricsPrimitives{.name = "_metrics", .doc = "", .bindings = kPrimitives};
const Module kCounterClass = metric_class<CounterHandle>("lgen.Counter", "A sum that only rises.", kCounter);
const Module kGaugeClass = metric_class<GaugeHandle>("lgen.Gauge", "A value that goes up and down.", kGauge);
const Module kRateClass = metric_class<RateHandle>("lgen.Rate", "The share of true samples.", kRate);
const Module kHistogramClass = metric_class<HistogramHandle>("lgen.Histogram", "A distribution of values.", kHistogram);

}  // namespace lgen::lua
