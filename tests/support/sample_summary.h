// Summaries made by hand for tests of reports: one of a healthy run of multi_channel, one of a run in which everything
// went wrong that a report knows to tell. The same at every call.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "lgen/summary.h"
#include "lgen/time.h"

namespace lgen::test {

inline Labels stream_labels(std::vector<std::pair<std::string_view, std::string_view>> more = {}) {
  Labels labels = {{"scenario", "streams"}, {"name", "main"}, {"method", "streaming.Streamer/ProcessTextStream"}};
  for (const auto& [name, value] : more) labels.emplace_back(name, value);
  std::sort(labels.begin(), labels.end());
  return labels;
}

/// Ten streams on each of three channels, each channel on its own pod, a message every 0.1 s for 30 s.
inline void record_streams(Metrics& metrics) {
  const std::vector<std::string> pods = {"pod-1", "pod-2", "pod-3"};
  for (std::size_t i = 0; i < 30; ++i) {
    const std::string channel = "main[" + std::to_string(i % 3 + 1) + "]";
    const std::string& pod = pods[i % 3];
    const auto traffic = stream_labels({{"channel", channel}, {"pool", "main"}});
    const auto outcome = stream_labels({{"channel", channel}, {"pool", "main"}, {"backend", pod}, {"code", "OK"}});
    const auto latency = stream_labels({{"backend", pod}});
    metrics.add(metrics.series("grpc_streams_opened", traffic));
    metrics.add(metrics.series("grpc_streams_ended", outcome));
    metrics.add(metrics.series("grpc_messages_sent", traffic), 300);
    metrics.add(metrics.series("grpc_messages_received", traffic), 1);
    metrics.add(metrics.series("grpc_messages_confirmed", outcome), 300);
    metrics.record(metrics.series("grpc_stream_open_seconds", latency), 0.0012 + 0.0001 * static_cast<double>(i));
    metrics.record(metrics.series("grpc_stream_duration_seconds", latency), 30.0 + 0.01 * static_cast<double>(i));
    metrics.record(metrics.series("start_lag_seconds", make_labels({{"scenario", "streams"}})), 0.00008);
  }
}

inline DistributionResult judged(const Distribution& distribution) {
  DistributionResult result;
  result.table = distribution.table();
  result.verdict = judge_distribution(result.table);
  result.jain = jain_index(result.table);
  result.max_over_mean = max_over_mean(result.table);
  return result;
}

/// `channels` x `per_channel` streams, placed by `pod_of(channel, stream)`.
template <class PodOf>
DistributionResult placed(std::size_t channels, std::size_t per_channel, PodOf pod_of) {
  Distribution distribution("streams by connection");
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t s = 0; s < per_channel; ++s) {
      distribution.add("main[" + std::to_string(c + 1) + "]#1", pod_of(c, s));
    }
  }
  return judged(distribution);
}

inline RunInfo sample_run() {
  RunInfo run;
  run.plan = "plans/multi_channel.lua";
  run.plan_name = "multi_channel";
  run.about = "N channels, M streams: are connections spread, or streams?";
  run.plan_sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
  run.options = {{"target", "127.0.0.1:18443"}, {"channels", 3.0}, {"streams", 30.0}, {"hold", "30s"}};
  run.seed = 42;
  run.lgen_version = "0.1.0";
  run.host = "bench-1";
  run.target = "127.0.0.1:18443";
  run.security = "plaintext";
  run.started_unix = 1753973281.861;
  run.duration = 30.5;
  run.notes = {"file descriptor limit raised from 1024 to 1048576"};
  return run;
}

inline ScenarioProgress sample_scenario(std::uint64_t ok) {
  ScenarioProgress scenario;
  scenario.name = "streams";
  scenario.load = "30 VUs, one iteration each (at most 10m)";
  scenario.started = scenario.succeeded = ok;
  scenario.max_vus = 30;
  scenario.total = 30;
  scenario.elapsed = from_seconds(30.5);
  scenario.length = std::chrono::minutes(10);
  scenario.finished = true;
  return scenario;
}

inline TimelineData sample_timelines() {
  TimelineData data;
  TimelineSeries active{"grpc_streams_active", make_labels({{"channel", "main[1]"}}), {}};
  TimelineSeries open{"grpc_stream_open_seconds", make_labels({{"scenario", "streams"}}), {}};
  for (int i = 0; i < 3; ++i) {
    active.points.push_back({10, 55.0 + i, 1, 10, {}});
    open.points.push_back({2, 0.0025, 0.0012, 0.0013, {{1200, 1}, {1300, 1}}});
  }
  data.series = {active, open};
  return data;
}

/// A run as it should be.
inline Summary good_summary() {
  Summary summary;
  Metrics metrics;
  record_streams(metrics);
  summary.run = sample_run();
  summary.scenarios = {sample_scenario(30)};
  summary.metrics = metrics.snapshot();
  summary.thresholds = {{"grpc_stream_open_seconds", "p(99) < 0.25", {}, 0.0041, true, ""}};
  summary.checks = {{"every stream came back", 30, 0, ""}};
  summary.distributions = {placed(3, 10, [](std::size_t c, std::size_t) { return "pod-" + std::to_string(c + 1); })};
  summary.timelines = sample_timelines();
  for (int i = 1; i <= 3; ++i) {
    const std::string name = "main[" + std::to_string(i) + "]";
    summary.channels.push_back({name, "main", "dns:///127.0.0.1:18443", 1, 0, "", "own"});
    summary.connections.push_back({name, 1, "127.0.0.1:18443", 0.004 * i, std::nullopt, "", ""});
  }
  summary.health.cpu_seconds = 0.41;
  summary.health.cpu_share = 0.013;
  summary.health.max_rss = 39'000'000;
  summary.health.fd_limit = 1'048'576;
  judge_validity(summary);
  return summary;
}

inline void record_losses(Metrics& metrics) {
  const auto lost =
      stream_labels({{"channel", "main[2]"}, {"pool", "main"}, {"backend", "pod-2"}, {"code", "UNAVAILABLE"}});
  const auto cut =
      stream_labels({{"channel", "main[1]"}, {"pool", "main"}, {"backend", "pod-1"}, {"code", "CANCELLED"}});
  const auto traffic = stream_labels({{"channel", "main[2]"}, {"pool", "main"}});
  metrics.add(metrics.series("grpc_streams_opened", traffic), 14);
  metrics.add(metrics.series("grpc_streams_ended", lost), 10);
  metrics.add(metrics.series("grpc_streams_ended", cut), 2);
  metrics.add(metrics.series("grpc_streams_failed", lost), 10);
  metrics.add(metrics.series("grpc_streams_leaked", traffic), 1);
  metrics.add(metrics.series("grpc_messages_sent", traffic), 1500);
  metrics.add(metrics.series("grpc_messages_unconfirmed", lost), 1480);
  metrics.add(metrics.series("grpc_messages_discarded", lost), 12);
}

/// Unary calls of a second method, queued on the way: response and service time differ.
inline void record_calls(Metrics& metrics) {
  const Labels labels = make_labels({{"scenario", "probe"}, {"name", "main"}, {"method", "hello.Hello/SayHello"}});
  const auto with = [&](std::string_view backend, std::string_view code) {
    return make_labels({{"scenario", "probe"},
                        {"name", "main"},
                        {"method", "hello.Hello/SayHello"},
                        {"backend", backend},
                        {"code", code},
                        {"channel", "main[1]"}});
  };
  metrics.add(metrics.series("grpc_calls", with("pod-1", "OK")), 1204);
  metrics.add(metrics.series("grpc_calls", with("unknown", "DEADLINE_EXCEEDED")), 3);
  for (int i = 0; i < 1207; ++i) {
    const double service = 0.0009 + 1e-6 * i;
    const auto response = make_labels({{"scenario", "probe"},
                                       {"name", "main"},
                                       {"method", "hello.Hello/SayHello"},
                                       {"backend", i < 1204 ? "pod-1" : "unknown"}});
    metrics.record(metrics.series("grpc_call_service_seconds", labels), service);
    metrics.record(metrics.series("grpc_call_duration_seconds", response), service + (i % 100 == 0 ? 0.08 : 0.0));
    metrics.record(metrics.series("vu_wait_seconds", make_labels({{"scenario", "probe"}})), i % 100 == 0 ? 0.08 : 0.0);
  }
  const auto own = metrics.define({"upload_bytes", MetricType::histogram, "B", "Size of an upload.", {}});
  for (int i = 1; i <= 100; ++i) metrics.record(metrics.series(own.value(), {}), 1000.0 * i);
}

/// Everything a report can complain about.
inline Summary bad_summary() {
  Summary summary = good_summary();
  Metrics metrics;
  record_streams(metrics);
  record_losses(metrics);
  record_calls(metrics);
  for (int i = 0; i < 50; ++i) {
    metrics.record(metrics.series("start_lag_seconds", make_labels({{"scenario", "streams"}})), 0.0124);
  }
  summary.metrics = metrics.snapshot();
  summary.run.exit_code = 99;
  summary.scenarios[0].failed = 3;
  summary.scenarios[0].cancelled = 1;
  summary.scenarios[0].started += 4;
  summary.thresholds.push_back(
      {"grpc_streams_failed", "count == 0", make_labels({{"channel", "main[2]"}}), 10, false, "count is 10, not == 0"});
  ThresholdResult windows{"grpc_call_duration_seconds", "p(99) < 0.05", {}, 0.081, false, "p(99) is 0.081, not < 0.05"};
  windows.over = 10;
  windows.after = 5;
  windows.windows = 16;
  windows.windows_failed = 3;
  windows.worst_at = 12;
  summary.thresholds.push_back(windows);
  summary.checks.push_back({"stays on its pod", 28, 2, "stream 4 moved from pod-2 to pod-3"});
  summary.channels[1].connections = 2;
  summary.channels[1].reconnects = 1;
  summary.channels[1].failed_attempts = 7;
  summary.channels[1].last_error = "connection refused (127.0.0.12:50051)";
  summary.connections[1].closed_at = 12.31;
  summary.connections[1].goaway = "inferred";
  summary.connections[1].reason = "left READY while 10 streams lived on";
  summary.connections.push_back({"main[2]", 2, "127.0.0.1:18443", 14.02, 29.9, "", "Socket closed"});
  using std::chrono::microseconds;
  summary.connections[0].timing = {
      .connect = microseconds(120), .tls = microseconds(1400), .settings = microseconds(300)};
  summary.connections.back().timing = {microseconds(310), microseconds(190), microseconds(378'000), microseconds(1500)};
  const std::string hello = "hello.Hello/SayHello";
  summary.first_calls = {
      {14.02, "first_on_connection", "probe", "main", hello, "pod-2", "main[2]#2", "OK", 0.41, 0.38,
       "dial and TLS 380ms, first on the connection"},
      {0.01, "first_on_backend", "probe", "main", hello, "pod-1", "main[1]#1", "DEADLINE_EXCEEDED", 0.25, 0,
       "first on the backend"},
      {0.02, "first_on_backend", "probe", "main", hello, "pod-3", "main[3]#1", "OK", 0.002, 0, "first on the backend"}};
  for (int i = 0; i < 7; ++i) {
    summary.events.push_back(
        {12.3 + 0.01 * i, "stream_lost", {{"stream", std::to_string(3 * i + 2)}, {"backend", "pod-2"}}});
  }
  summary.events.push_back({14.0, "reconnect", {{"channel", "main[2]"}}});
  summary.events_dropped = 4;
  summary.errors = {
      {"UNAVAILABLE", "Socket closed", "streaming.Streamer/ProcessTextStream", "pod-2", 10, 12.3, 12.36},
      {"plan", "attempt to index a nil value (local 'reply')", "plans/multi_channel.lua:42", "", 3, 13, 13},
      {"UNAVAILABLE", "no route to host", "streaming.Streamer/ProcessTextStream", "", 0, 0.2, 0.9, 6}};
  summary.errors[0].warmup = 2;
  summary.conservation = "2 streams neither ended nor open";
  summary.health.cpu_share = 1.02;
  judge_validity(summary);
  return summary;
}

}  // namespace lgen::test
