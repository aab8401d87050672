// Schema "lgen.summary/1": every struct of a Summary and its keys, in their order, said once. The writer and the reader
// both walk this description with io("key", field), so that neither can know a key the other does not; io.later() is
// for what older files do not have, which keeps its default. Three things are not structs and stand in both: a metric's
// map of series, a histogram and a point of a time line. A new key is described in schema/summary.schema.json, too; a
// test fails otherwise. Thread: pure functions.
#pragma once

#include <concepts>
#include <string>
#include <type_traits>

#include "lgen/summary.h"

namespace lgen {

/// T or const T: the reader's and the writer's view of the same struct.
template <class T, class U>
concept View = std::same_as<std::remove_const_t<T>, U>;

/// Labels: an object whose keys keep their order, as those of Fields do.
using Pairs = std::vector<std::pair<std::string, std::string>>;

template <class Io, View<RunInfo> T>
void fields(Io& io, T& v) {
  io("plan", v.plan);
  io("name", v.plan_name);
  io("about", v.about);
  io("sha256", v.plan_sha256);
  io("options", v.options);
  io("seed", v.seed);
  io("version", v.lgen_version);
  io("host", v.host);
  io("target", v.target);
  io("security", v.security);
  io("transport", v.transport);
  io("started_unix", v.started_unix);
  io("duration", v.duration);
  io.later("paused", v.paused);
  io.later("measured", v.measured);
  io("end", v.end);
  io("end_reason", v.end_reason);
  io("exit_code", v.exit_code);
  io.later("outputs_lost", v.outputs_lost);
  io.later("lines_lost", v.lines_lost);
  io("notes", v.notes);
}

template <class Io, View<ScenarioProgress> T>
void fields(Io& io, T& v) {
  io("name", v.name);
  io("load", v.load);
  io("started", v.started);
  io.later("started_in_warmup", v.started_in_warmup);
  io("succeeded", v.succeeded);
  io("failed", v.failed);
  io("cancelled", v.cancelled);
  io("dropped", v.dropped);
  io.later("dropped_with_free_vu", v.dropped_with_free_vu);
  io("running", v.running);
  io("vus", v.vus);
  io("max_vus", v.max_vus);
  io("total", v.total);
  io.later("scheduled", v.scheduled);
  io("elapsed", v.elapsed);
  io("length", v.length);
  io("warmup", v.warmup);
  io.later("measured", v.measured);
  io.later("paused", v.paused_for);
  io("finished", v.finished);
  io.later("background", v.background);
}

template <class Io, View<ThresholdResult> T>
void fields(Io& io, T& v) {
  io("metric", v.metric);
  io("expression", v.text);
  io("labels", v.labels);
  io("observed", v.observed);
  io("ok", v.ok);
  io("why", v.why);
  io.later("over", v.over);
  io.later("after", v.after);
  io.later("windows", v.windows);
  io.later("windows_failed", v.windows_failed);
  io.later("worst_at", v.worst_at);
  io.later("aborted", v.aborted);
}

template <class Io, View<CheckResult> T>
void fields(Io& io, T& v) {
  io("name", v.name);
  io("passes", v.passes);
  io("fails", v.fails);
  io("first_failure", v.first_failure);
  io.later("warmup_passes", v.warmup_passes);
  io.later("warmup_fails", v.warmup_fails);
}

template <class Io, View<Verdict> T>
void fields(Io& io, T& v) {
  io("kind", v.kind);
  io("why", v.why);
  io("p", v.p);
  io("subsets", v.subsets);
  io("astray", v.astray);
}

template <class Io, View<DistributionTable> T>
void fields(Io& io, T& v) {
  io("rows", v.rows);
  io("cols", v.cols);
  io("row_names", v.row_names);
  io("col_names", v.col_names);
  io("counts", v.counts);
}

template <class Io, View<DistributionResult> T>
void fields(Io& io, T& v) {
  io("name", v.table.name);
  io("verdict", v.verdict);
  io("jain", v.jain);
  io("max_over_mean", v.max_over_mean);
  io("table", v.table);
}

template <class Io, View<EventRecord> T>
void fields(Io& io, T& v) {
  io("at", v.at);
  io("name", v.name);
  io("fields", v.fields);
}

template <class Io, View<ErrorSample> T>
void fields(Io& io, T& v) {
  io("code", v.code);
  io("message", v.message);
  io("where", v.where);
  io("backend", v.backend);
  io("count", v.count);
  io("first_at", v.first_at);
  io("last_at", v.last_at);
  io.later("warmup", v.warmup);
}

template <class Io, View<ConnectionRecord> T>
void fields(Io& io, T& v) {
  io("channel", v.channel);
  io("connection", v.connection);
  io("peer", v.peer);
  io("opened_at", v.opened_at);
  io("closed_at", v.closed_at);
  io("goaway", v.goaway);
  io("reason", v.reason);
  io.later("timing", v.timing);
}

template <class Io, View<ConnectSteps> T>
void fields(Io& io, T& v) {
  io("dns", v.dns);
  io("connect", v.connect);
  io("tls", v.tls);
  io("settings", v.settings);
}

template <class Io, View<ChannelSummary> T>
void fields(Io& io, T& v) {
  io("name", v.name);
  io("pool", v.pool);
  io("target", v.target);
  io("connections", v.connections);
  io("failed_attempts", v.failed_attempts);
  io("last_error", v.last_error);
  io("connection", v.connection);
  io.later("made", v.made);
  io.later("reconnects", v.reconnects);
}

template <class Io, View<FirstCallRecord> T>
void fields(Io& io, T& v) {
  io("at", v.at);
  io("kind", v.kind);
  io("scenario", v.scenario);
  io("name", v.name);
  io("method", v.method);
  io("backend", v.backend);
  io("connection", v.connection);
  io("code", v.code);
  io("duration", v.duration);
  io("connecting", v.connecting);
  io("why", v.why);
}

template <class Io, View<GeneratorHealth> T>
void fields(Io& io, T& v) {
  io("verdict", v.validity);
  io("reasons", v.reasons);
  io("cpu_seconds", v.cpu_seconds);
  io("cpu_share", v.cpu_share);
  io("max_rss_bytes", v.max_rss);
  io("fd_limit", v.fd_limit);
  io("throttled_share", v.throttled_share);
  io("dropped_with_free_vu", v.dropped_with_free_vu);
}

template <class Io, View<MetricSpec> T>
void fields(Io& io, T& v) {
  io("type", v.type);
  io("unit", v.unit);
  io("help", v.help);
  io("label_names", v.labels);
  io("scale", v.scale);
  io("built_in", v.built_in);
  if (!v.built_in) io.later("scraped", v.scraped);
}

/// A series of any type but a histogram.
template <class Io, View<SeriesSnapshot> T>
void number_fields(Io& io, T& v, MetricType type) {
  io("value", v.value);
  if (type == MetricType::gauge) {
    io("min", v.min);
    io("max", v.max);
  }
  if (type == MetricType::rate) io("hits", v.hits);
  if (type != MetricType::counter) io("count", v.count);
}

template <class Io, View<TimelineSeries> T>
void fields(Io& io, T& v) {
  io("metric", v.metric);
  io("labels", v.labels);
  io("points", v.points);
}

template <class Io, View<TimelineData> T>
void fields(Io& io, T& v) {
  io("interval", v.interval);
  io.later("length", v.length);
  io("series", v.series);
}

template <class Io, View<Summary> T>
void fields(Io& io, T& v) {
  io("run", v.run);
  io("validity", v.health);
  io("thresholds", v.thresholds);
  io("checks", v.checks);
  io("distributions", v.distributions);
  io("scenarios", v.scenarios);
  io("metrics", v.metrics);
  io("channels", v.channels);
  io("connections", v.connections);
  io.later("first_calls", v.first_calls);
  io("errors", v.errors);
  io("errors_dropped", v.errors_dropped);
  io("events", v.events);
  io("events_dropped", v.events_dropped);
  io.later("printed", v.printed);
  io("conservation", v.conservation);
  io("timelines", v.timelines);
}

}  // namespace lgen
