// What is read rather than looked at: status codes, streams, backends, scenarios, connections, events, errors, the
// plan's own figures, the generator's health.

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "figures.h"
#include "lgen/bucket_percentile.h"
#include "lgen/http_recorder.h"
#include "names.h"
#include "page_data.h"
#include "page_number.h"
#include "sections.h"

namespace lgen::html {
namespace {

constexpr std::size_t kMaxRows = 200;
constexpr std::size_t kMaxErrors = 100;
constexpr std::size_t kMaxMarks = 300;
constexpr std::size_t kMaxSeries = 50;
constexpr std::size_t kMostPrinted = 20'000, kLongestLine = 500;  // bytes

std::uint64_t whole(double value) { return static_cast<std::uint64_t>(std::llround(value)); }

/// Rows of one counter by status code, for each method.
void add_codes(Json& groups, const Summary& summary, std::string_view counter, std::string_view unit) {
  const MetricSnapshot* metric = summary.metrics.find(counter);
  if (!metric) return;
  std::set<TrafficKey> keys;
  std::set<std::string> scenarios;
  for (const SeriesSnapshot& series : metric->series) {
    if (is_warmup(series) || series.value == 0) continue;
    keys.insert(key_of(series));
    scenarios.insert(key_of(series).scenario);
  }
  for (const TrafficKey& key : keys) {
    if (groups.size() >= kMaxRows) return;
    const double seconds = measured_seconds(summary, key.scenario);
    Json rows = Json::array();
    for (const auto& [code, n] : totals_by(*metric, "code", &key)) {
      rows.push_back({{"code", code.empty() ? "unknown" : code},
                      {"good", ended_well(code)},
                      {"count", n},
                      {"rate", seconds > 0 ? exact(static_cast<double>(n) / seconds) : Json()}});
    }
    groups.push_back({{"title", title_of(key, scenarios.size() > 1)}, {"unit", unit}, {"rows", std::move(rows)}});
  }
}

/// What one backend was seen to do.
struct Ledger {
  std::uint64_t all = 0, ok = 0, confirmed = 0;
  std::optional<Histogram> duration;
};

Json backends(const Snapshot& metrics, std::string_view counter, std::string_view duration, std::string_view unit) {
  std::map<std::string, Ledger> ledgers;
  const auto name_of = [](const SeriesSnapshot& s) { return std::string(label_of(s, "backend")); };
  const auto each = [&](std::string_view name, const auto& add) {
    const MetricSnapshot* metric = metrics.find(name);
    if (!metric) return;
    for (const SeriesSnapshot& series : metric->series) {
      if (!is_warmup(series) && series.value > 0) add(ledgers[name_of(series)], series);
    }
  };
  each(counter, [](Ledger& ledger, const SeriesSnapshot& series) {
    ledger.all += whole(series.value);
    if (ended_well(label_of(series, "code"))) ledger.ok += whole(series.value);
  });
  if (unit == "streams") {
    each("grpc_messages_confirmed",
         [](Ledger& ledger, const SeriesSnapshot& series) { ledger.confirmed += whole(series.value); });
  }
  for (auto& [name, sum] : histograms_by<std::string>(metrics, duration, name_of)) {
    if (const auto at = ledgers.find(name); at != ledgers.end()) at->second.duration = sum;
  }
  std::vector<std::string> names;
  for (const auto& [name, ledger] : ledgers) names.push_back(name);
  Json rows = Json::array();
  for (const std::string& name : in_natural_order(std::move(names))) {
    const Ledger& ledger = ledgers[name];
    Json row = {{"backend", name.empty() ? "(never left)" : name},
                {"all", ledger.all},
                {"ok", ledger.ok},
                {"confirmed", ledger.confirmed}};
    for (const auto& [key, p] : {std::pair{"med", 50}, {"p99", 99}, {"max", 100}}) {
      row[key] = ledger.duration ? exact(static_cast<double>(ledger.duration->percentile(p)) / 1e6) : Json();
    }
    rows.push_back(std::move(row));
  }
  return {{"unit", unit}, {"rows", std::move(rows)}};
}

Json fields_of(const Fields& fields) {
  std::string text;
  for (const auto& [key, value] : fields) {
    const std::string words = std::visit(
        [](const auto& typed) -> std::string {
          if constexpr (std::is_same_v<std::decay_t<decltype(typed)>, std::string>) return typed;
          if constexpr (!std::is_same_v<std::decay_t<decltype(typed)>, std::string>) return Json(typed).dump();
        },
        value);
    text += (text.empty() ? "" : ", ") + key + "=" + words;
  }
  return cut(text, 120);
}

Json scenario_of(const ScenarioProgress& s) {
  return {{"name", s.name},
          {"load", s.load},
          {"started", s.started},
          {"started_in_warmup", s.started_in_warmup},
          {"succeeded", s.succeeded},
          {"failed", s.failed},
          {"cancelled", s.cancelled},
          {"dropped", s.dropped},
          {"running", s.running},
          {"vus", s.vus},
          {"max_vus", s.max_vus},
          {"elapsed", exact(to_seconds(s.elapsed))},
          {"length", exact(to_seconds(s.length))},
          {"warmup", exact(to_seconds(s.warmup))},
          {"paused", exact(to_seconds(s.paused_for))},
          {"finished", s.finished}};
}

Json channel_of(const ChannelSummary& c) {
  return {{"name", c.name},
          {"target", c.target},
          {"connections", c.connections},
          {"failed_attempts", c.failed_attempts},
          {"last_error", cut(c.last_error, 120)},
          {"shared", c.connection == "shared"}};
}

Json connection_of(const ConnectionRecord& c) {
  return {{"name", c.channel + "#" + std::to_string(c.connection)},
          {"peer", c.peer},
          {"opened_at", exact(c.opened_at)},
          {"closed_at", c.closed_at ? exact(*c.closed_at) : Json()},
          {"goaway", c.goaway},
          {"reason", cut(c.reason, 120)}};
}

Json first_call_of(const FirstCallRecord& c) {
  return {{"at", exact(c.at)},    {"duration", exact(c.duration)}, {"connecting", exact(c.connecting)},
          {"backend", c.backend}, {"connection", c.connection},    {"method", c.method},
          {"code", c.code},       {"good", ended_well(c.code)},    {"why", cut(c.why, 120)}};
}

Json error_of(const ErrorSample& e) {
  return {
      {"code", e.code},   {"message", cut(e.message)}, {"where", cut(e.where)},         {"backend", e.backend},
      {"count", e.count}, {"warmup", e.warmup},        {"first_at", exact(e.first_at)}, {"last_at", exact(e.last_at)}};
}

/// What the system under test says of its latencies: no series, but percentiles over all of them.
Json scraped_histogram(const MetricSnapshot& metric) {
  const BucketSums sums(metric, {});
  Json rows = Json::array();
  for (const int p : {50, 90, 99}) {
    if (const auto value = sums.percentile(p)) {
      rows.push_back({{"labels", "p" + std::to_string(p)}, {"value", exact(*value)}});
    }
  }
  const std::string name = metric.spec.name.substr(0, metric.spec.name.rfind('_'));
  return {{"name", name},
          {"type", "percentiles"},
          {"scraped", true},
          {"unit", unit_of(metric.spec)},
          {"help", "of " + grouped(whole(sums.count())) + " samples, out of the buckets that were scraped"},
          {"series_all", rows.size()},
          {"series", std::move(rows)}};
}

/// How long the pages took: no series, but percentiles.
Json scraped_durations(const MetricSnapshot& metric) {
  const SeriesSnapshot all = aggregate(metric, {});
  Json rows = Json::array();
  for (const int p : {50, 90, 99, 100}) {
    const auto ticks = static_cast<double>(all.histogram ? all.histogram->percentile(p) : 0);
    rows.push_back({{"labels", p == 100 ? "max" : "p" + std::to_string(p)}, {"value", exact(metric.in_unit(ticks))}});
  }
  return {{"name", metric.spec.name}, {"type", "percentiles"},     {"unit", metric.spec.unit}, {"scraped", true},
          {"help", metric.spec.help}, {"series_all", rows.size()}, {"series", std::move(rows)}};
}

/// A metric of the plan, or one that was scraped, and its series. Of counters that were scraped those that have not
/// risen are left out: a page has one for every method there is.
Json own_metric(const MetricSnapshot& metric, std::string_view spare) {
  if (is_bucket_metric(metric.spec)) return scraped_histogram(metric);
  if (metric.spec.type == MetricType::histogram) return scraped_durations(metric);
  const bool risen_alone = metric.spec.scraped && metric.spec.type == MetricType::counter;
  std::size_t resting = 0;
  Json series = Json::array();
  if (risen_alone) {
    resting = static_cast<std::size_t>(std::count_if(metric.series.begin(), metric.series.end(),
                                                     [](const SeriesSnapshot& one) { return one.value == 0; }));
  }
  for (const SeriesSnapshot* at : largest(metric, kMaxSeries)) {
    const SeriesSnapshot& one = *at;
    if (risen_alone && one.value == 0) continue;
    Json row = {{"labels", labels_words(one.labels, metric.spec.scraped ? spare : "")}, {"value", exact(one.value)}};
    if (metric.spec.type == MetricType::gauge) {
      row["min"] = exact(one.min);
      row["max"] = exact(one.max);
    }
    if (metric.spec.type == MetricType::rate) row["count"] = one.count;
    series.push_back(std::move(row));
  }
  return {{"name", metric.spec.name},     {"type", to_string(metric.spec.type)},
          {"unit", unit_of(metric.spec)}, {"scraped", metric.spec.scraped},
          {"help", metric.spec.help},     {"series_all", metric.series.size()},
          {"resting", resting},           {"series", std::move(series)}};
}

/// Histograms of the engine about itself: those that belong to no call.
Json lags(const Snapshot& metrics) {
  Json rows = Json::array();
  for (const std::string_view name :
       {"start_lag_seconds", "vu_wait_seconds", "loop_lag_seconds", "slice_seconds", "gc_pause_seconds"}) {
    const MetricSnapshot* metric = metrics.find(name);
    if (!metric) continue;
    const SeriesSnapshot all = aggregate(*metric, {});
    if (!all.histogram || all.histogram->count() == 0) continue;
    const auto value = [&](double p) {
      return exact(metric->in_unit(static_cast<double>(all.histogram->percentile(p))));
    };
    rows.push_back({{"metric", name},
                    {"help", metric->spec.help},
                    {"count", all.histogram->count()},
                    {"values", {value(50), value(99), value(99.9), value(100)}}});
  }
  return rows;
}

}  // namespace

Json traffic_part(const Summary& summary) {
  const Snapshot& metrics = summary.metrics;
  Json codes = Json::array();
  add_codes(codes, summary, "grpc_calls", "calls");
  add_codes(codes, summary, "grpc_streams_ended", "streams");
  add_codes(codes, summary, "http_requests", "requests");
  Json sums = Json::object();
  for (const std::string_view name : {"grpc_streams_opened",
                                      "grpc_streams_ended",
                                      "grpc_streams_failed",
                                      "grpc_streams_leaked",
                                      "grpc_messages_sent",
                                      "grpc_messages_discarded",
                                      "grpc_messages_confirmed",
                                      "grpc_messages_unconfirmed",
                                      "grpc_messages_received",
                                      "grpc_messages_unanswered",
                                      "grpc_messages_unmatched",
                                      "grpc_call_attempts",
                                      "grpc_call_attempts_known",
                                      "grpc_call_attempts_unknown",
                                      "http_requests",
                                      "http_requests_reused",
                                      "http_requests_retried",
                                      "http_redirects",
                                      "http_connections",
                                      "http_bytes_sent",
                                      "http_bytes_received"}) {
    sums[std::string(name)] = counter_total(metrics, name);
  }
  return {{"codes", std::move(codes)},
          {"sums", std::move(sums)},
          {"backends",
           {backends(metrics, "grpc_calls", "grpc_call_duration_seconds", "calls"),
            backends(metrics, "grpc_streams_ended", "grpc_stream_duration_seconds", "streams"),
            backends(metrics, "http_requests", "http_request_duration_seconds", "requests")}}};
}

Json scenarios_part(const Summary& summary) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < std::min(summary.scenarios.size(), kMaxRows); ++i) {
    rows.push_back(scenario_of(summary.scenarios[i]));
  }
  return rows;
}

Json cold_starts_part(const Summary& summary) {
  double median = 0;
  for (const std::string_view name :
       {"grpc_call_service_seconds", "grpc_stream_open_service_seconds", "http_request_service_seconds"}) {
    const MetricSnapshot* metric = summary.metrics.find(name);
    const SeriesSnapshot all = metric ? aggregate(*metric, {}) : SeriesSnapshot{};
    if (all.histogram) median = std::max(median, metric->in_unit(static_cast<double>(all.histogram->percentile(50))));
  }
  Json rows = Json::array();
  for (const FirstCallRecord& call : summary.first_calls) {
    if (rows.size() < kMaxErrors) rows.push_back(first_call_of(call));
  }
  return {{"median", exact(median)}, {"rows", std::move(rows)}};
}

Json connections_part(const Summary& summary) {
  Json channels = Json::array(), ended = Json::array();
  std::size_t ended_all = 0;
  for (const ChannelSummary& channel : summary.channels) {
    if (channels.size() < kMaxRows) channels.push_back(channel_of(channel));
  }
  for (const ConnectionRecord& record : summary.connections) {
    if (!record.closed_at || (record.goaway.empty() && record.reason.empty())) continue;
    if (++ended_all <= kMaxRows) ended.push_back(connection_of(record));
  }
  return {{"words", socket_words(summary.channels)},
          {"making", making_words(summary.connections)},
          {"channels", std::move(channels)},
          {"channels_all", summary.channels.size()},
          {"ended", std::move(ended)},
          {"ended_all", ended_all}};
}

Json events_part(const Summary& summary) {
  std::map<std::string, std::uint64_t> kinds;
  for (const EventRecord& event : summary.events) ++kinds[event.name];
  Json marks = Json::array();
  // Rare ones first: what happened a thousand times must not push out what happened once.
  std::vector<const EventRecord*> order;
  for (const EventRecord& event : summary.events) order.push_back(&event);
  std::stable_sort(order.begin(), order.end(), [&](auto* a, auto* b) { return kinds[a->name] < kinds[b->name]; });
  if (order.size() > kMaxMarks) order.resize(kMaxMarks);
  std::stable_sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->at < b->at; });
  for (const EventRecord* event : order) {
    marks.push_back({{"at", exact(event->at)}, {"name", cut(event->name, 80)}, {"fields", fields_of(event->fields)}});
  }
  Json counts = Json::array();
  for (const auto& [name, n] : kinds) {
    if (counts.size() < kMaxRows) counts.push_back({cut(name, 80), n});
  }
  return {{"marks", std::move(marks)},
          {"kinds", std::move(counts)},
          {"all", summary.events.size()},
          {"dropped", summary.events_dropped}};
}

Json printed_part(const Summary& summary) {
  Json lines = Json::array();
  std::size_t room = kMostPrinted;
  for (const std::string& line : summary.printed) {
    std::string shown = cut(line, kLongestLine);
    if (shown.size() >= room) {
      lines.push_back("… lgen report RESULT.json has the rest");
      break;
    }
    room -= shown.size();
    lines.push_back(std::move(shown));
  }
  return lines;
}

Json errors_part(const Summary& summary) {
  Json rows = Json::array();
  std::uint64_t rest = summary.errors_dropped;
  for (const ErrorSample* error : errors_that_count_first(summary)) {
    if (rows.size() < kMaxErrors) {
      rows.push_back(error_of(*error));
    } else {
      rest += error->count;
    }
  }
  return {{"rows", std::move(rows)}, {"rest", rest}};
}

Json metrics_part(const Summary& summary) {
  Json all = Json::array();
  const std::string_view spare = label_to_spare(summary.metrics);
  for (const MetricSnapshot& metric : summary.metrics.metrics) {
    const bool latency = metric.spec.type == MetricType::histogram && !metric.spec.scraped;
    const bool shown = !metric.spec.built_in && !latency && !metric.series.empty();
    if (shown && all.size() < kMaxSeries) all.push_back(own_metric(metric, spare));
  }
  return all;
}

Json generator_part(const Summary& summary) {
  const GeneratorHealth& health = summary.health;
  return {{"validity", to_string(health.validity)},
          {"reasons", health.reasons},
          {"cpu_seconds", exact(health.cpu_seconds)},
          {"cpu_share", exact(health.cpu_share)},
          {"max_rss", health.max_rss},
          {"fd_limit", health.fd_limit},
          {"throttled_share", exact(health.throttled_share)},
          {"dropped_with_free_vu", health.dropped_with_free_vu},
          {"lags", lags(summary.metrics)}};
}

}  // namespace lgen::html
