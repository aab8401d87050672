#include "lgen/recorder.h"

#include "catch.h"

using namespace lgen;
using namespace std::chrono_literals;

namespace {

Timing timing(Duration lag, Duration service) {
  Timing t;
  t.intended = TimePoint(10s);
  t.started = t.intended + lag;
  t.sent = t.started;
  t.done = t.started + service;
  return t;
}

StreamSample stream(std::string_view code, std::string_view backend, std::uint64_t sent = 0,
                    std::uint64_t confirmed = 0) {
  StreamSample sample;
  sample.timing = timing(0s, 2s);
  sample.code = code;
  sample.backend = backend;
  sample.sent = sent;
  sample.confirmed = confirmed;
  return sample;
}

double value(const Metrics& metrics, std::string_view metric, const Labels& labels = {}) {
  const Snapshot snapshot = metrics.snapshot();
  return aggregate(*snapshot.find(metric), labels).value;
}

SeriesSnapshot latency(const Metrics& metrics, std::string_view metric, const Labels& labels = {}) {
  const Snapshot snapshot = metrics.snapshot();
  return aggregate(*snapshot.find(metric), labels);
}

const CallSiteKey kKey{"main", "hello", "hello.Hello/SayHello", "main[1]", "main", {{"team", "a"}}, "steady"};

}  // namespace

TEST_CASE("response time runs from the intended start, service time from the actual one") {
  Metrics metrics;
  Recorder recorder(metrics);
  CallSite& site = recorder.site(kKey);
  site.call_started();
  site.call_ended({timing(200ms, 50ms), "OK", "pod-a"});
  CHECK(latency(metrics, "grpc_call_duration_seconds").histogram->max() == 250'000);
  CHECK(latency(metrics, "grpc_call_service_seconds").histogram->max() == 50'000);
  Timing closed = timing(0s, 30ms);
  closed.intended = {};
  site.call_started();
  site.call_ended({closed, "OK", "pod-a"});
  CHECK(latency(metrics, "grpc_call_duration_seconds").histogram->min() == 30'000);
}

TEST_CASE("counters say who, where and how it ended; latencies only who, and by backend") {
  Metrics metrics;
  Recorder recorder(metrics);
  CallSite& site = recorder.site(kKey);
  site.call_started();
  site.call_ended({timing(0s, 1ms), "OK", "pod-a"});
  const Snapshot s = metrics.snapshot();
  CHECK(s.find("grpc_calls")->series.at(0).labels == make_labels({{"backend", "pod-a"},
                                                                  {"channel", "main[1]"},
                                                                  {"code", "OK"},
                                                                  {"method", "hello.Hello/SayHello"},
                                                                  {"name", "hello"},
                                                                  {"phase", "steady"},
                                                                  {"pool", "main"},
                                                                  {"scenario", "main"},
                                                                  {"team", "a"}}));
  CHECK(s.find("grpc_call_duration_seconds")->series.at(0).labels == make_labels({{"backend", "pod-a"},
                                                                                  {"method", "hello.Hello/SayHello"},
                                                                                  {"name", "hello"},
                                                                                  {"phase", "steady"},
                                                                                  {"scenario", "main"}}));
  CHECK(
      s.find("grpc_call_service_seconds")->series.at(0).labels ==
      make_labels({{"method", "hello.Hello/SayHello"}, {"name", "hello"}, {"phase", "steady"}, {"scenario", "main"}}));
  CHECK(s.find("grpc_streams_opened")->series.empty());
}

TEST_CASE("a tag never overrides a label of the engine") {
  Metrics metrics;
  Recorder recorder(metrics);
  CallSiteKey key = kKey;
  key.tags = make_labels({{"code", "mine"}, {"team", "b"}});
  CallSite& site = recorder.site(key);
  site.call_started();
  site.call_ended({timing(0s, 1ms), "OK", "pod-a"});
  CHECK(value(metrics, "grpc_calls", make_labels({{"code", "OK"}, {"team", "b"}})) == 1);
  CHECK(value(metrics, "grpc_calls", make_labels({{"code", "mine"}})) == 0);
}

TEST_CASE("every combination of code and backend is counted where it belongs, more than the cache holds") {
  Metrics metrics;
  Recorder recorder(metrics);
  CallSite& site = recorder.site(kKey);
  for (int round = 0; round < 3; ++round) {
    for (int pod = 0; pod < 200; ++pod) {
      for (const char* code : {"OK", "UNAVAILABLE", "INTERNAL"}) {
        const std::string name = "pod-" + std::to_string(pod);
        site.call_started();
        site.call_ended({timing(0s, 1ms), code, name});
      }
    }
  }
  const Snapshot s = metrics.snapshot();
  CHECK(s.find("grpc_calls")->series.size() == 600);
  for (const SeriesSnapshot& series : s.find("grpc_calls")->series) CHECK(series.value == 3);
  CHECK(recorder.check_conservation().empty());
}

TEST_CASE("the first 64 backends have latencies of their own, over all call sites; the rest share one") {
  Metrics metrics;
  Recorder recorder(metrics);
  CallSiteKey other = kKey;
  other.channel = "main[2]";
  for (int pod = 0; pod < 100; ++pod) {
    CallSite& site = recorder.site(pod % 2 ? kKey : other);
    const std::string name = "pod-" + std::to_string(pod);
    site.call_started();
    site.call_ended({timing(0s, 1ms), "OK", name});
  }
  const Snapshot s = metrics.snapshot();
  CHECK(s.find("grpc_call_duration_seconds")->series.size() == 65);
  CHECK(aggregate(*s.find("grpc_call_duration_seconds"), make_labels({{"backend", "overflow"}})).count == 36);
  CHECK(aggregate(*s.find("grpc_call_duration_seconds"), {}).count == 100);
  CHECK(s.find("grpc_calls")->series.size() == 100);
}

TEST_CASE("a stream is opened, active, told to have headers, and ended, with its messages") {
  Metrics metrics;
  Recorder recorder(metrics);
  CallSite& site = recorder.site(kKey);
  site.stream_opened();
  site.stream_opened();
  CHECK(value(metrics, "grpc_streams_active") == 2);
  site.stream_headers({TimePoint(10s), TimePoint(12s), TimePoint(12s + 3ms), "pod-a"});
  site.message_answered(7ms, 5ms);
  site.message_sent_late(2ms);
  StreamSample ok = stream("OK", "pod-a", 10, 10), lost = stream("UNAVAILABLE", "pod-b", 5, 2);
  ok.received = 1;
  lost.discarded = 4;
  site.stream_ended(ok);
  site.stream_ended(lost);
  site.stream_opened();
  site.stream_leaked();
  site.stream_ended(stream("CANCELLED", "unknown", 3, 0));

  CHECK(value(metrics, "grpc_streams_active") == 0);
  CHECK(value(metrics, "grpc_streams_opened") == 3);
  CHECK(value(metrics, "grpc_streams_ended") == 3);
  CHECK(value(metrics, "grpc_streams_failed") == 1);
  CHECK(value(metrics, "grpc_streams_leaked") == 1);
  CHECK(value(metrics, "grpc_messages_sent") == 18);
  CHECK(value(metrics, "grpc_messages_received") == 1);
  CHECK(value(metrics, "grpc_messages_confirmed", make_labels({{"backend", "pod-a"}})) == 10);
  CHECK(value(metrics, "grpc_messages_confirmed", make_labels({{"backend", "pod-b"}})) == 2);
  CHECK(value(metrics, "grpc_messages_unconfirmed", make_labels({{"backend", "pod-b"}})) == 3);
  CHECK(value(metrics, "grpc_messages_unconfirmed", make_labels({{"code", "CANCELLED"}})) == 3);
  CHECK(value(metrics, "grpc_messages_discarded") == 4);
  CHECK(latency(metrics, "grpc_stream_duration_seconds").histogram->max() == 2'000'000);
  // Its iteration was due two seconds before it was opened: that is response time, and not the server's service.
  CHECK(latency(metrics, "grpc_stream_open_seconds", make_labels({{"backend", "pod-a"}})).histogram->max() ==
        2'003'000);
  CHECK(latency(metrics, "grpc_stream_open_service_seconds").histogram->max() == 3'000);
  CHECK(latency(metrics, "grpc_message_rtt_seconds").histogram->max() == 7'000);
  CHECK(latency(metrics, "grpc_message_service_seconds").histogram->max() == 5'000);
  CHECK(latency(metrics, "grpc_message_lag_seconds").histogram->max() == 2'000);
  CHECK(recorder.check_conservation().empty());
}

CallSample first(int started_ms, int took_ms, std::string_view backend, std::uint64_t connection) {
  CallSample sample;
  sample.timing.started = TimePoint(1s + std::chrono::milliseconds(started_ms));
  sample.timing.done = sample.timing.started + std::chrono::milliseconds(took_ms);
  sample.code = "OK";
  sample.backend = backend;
  sample.connection = connection;
  return sample;
}

TEST_CASE("the first call on a backend and on a connection is known, at whatever site it was made") {
  Metrics metrics;
  Recorder recorder(metrics);
  CallSiteKey other = kKey;
  other.method = "pkg.Svc/Other";
  CallSite& site = recorder.site(kKey);
  const auto end = [](CallSite& at, const CallSample& sample) {
    at.call_started();
    return at.call_ended(sample);
  };
  CHECK(end(site, first(0, 9, "pod-a", 1)) == FirstOn::backend);  // and on its connection: it counts once
  CHECK(end(site, first(10, 1, "pod-a", 1)) == FirstOn::nothing);
  CHECK(end(recorder.site(other), first(11, 1, "pod-a", 1)) == FirstOn::nothing);
  CHECK(end(site, first(12, 1, "pod-b", 1)) == FirstOn::backend);
  CHECK(end(site, first(13, 1, "pod-a", 2)) == FirstOn::connection);
  CHECK(end(site, first(14, 1, "pod-a", 1)) == FirstOn::nothing);  // the old connection drains
  CHECK(end(site, first(15, 1, "pod-b", 2)) == FirstOn::nothing);
  CHECK(end(site, first(16, 1, "unknown", 0)) == FirstOn::nothing);
  CHECK(end(site, first(17, 1, "", 0)) == FirstOn::nothing);
  CHECK(latency(metrics, "grpc_first_call_seconds", make_labels({{"kind", "first_on_backend"}})).count == 2);
  CHECK(latency(metrics, "grpc_first_call_seconds", make_labels({{"kind", "first_on_connection"}})).count == 1);
  CHECK(latency(metrics, "grpc_first_call_seconds", make_labels({{"backend", "pod-a"}})).count == 2);
}

TEST_CASE("a slow first call among others is found though they end before it") {
  Metrics metrics;
  Recorder recorder(metrics);
  CallSite& site = recorder.site(kKey);
  CHECK(site.call_ended(first(1, 2, "pod-a", 1)) == FirstOn::backend);
  CHECK(site.call_ended(first(2, 2, "pod-a", 1)) == FirstOn::nothing);
  CHECK(site.call_ended(first(0, 3000, "pod-a", 1)) == FirstOn::backend);
  CHECK(latency(metrics, "grpc_first_call_seconds").histogram->max() >= 2'999'000);
}

TEST_CASE("a stream's first headers are a first call, too") {
  Metrics metrics;
  Recorder recorder(metrics);
  CallSite& site = recorder.site(kKey);
  CHECK(site.stream_headers({{}, TimePoint(1s), TimePoint(1s + 4ms), "pod-a", 1}) == FirstOn::backend);
  CHECK(site.stream_headers({{}, TimePoint(2s), TimePoint(2s + 4ms), "pod-a", 1}) == FirstOn::nothing);
  CHECK(latency(metrics, "grpc_first_call_seconds").histogram->max() == 4'000);
}

TEST_CASE("the slowest first calls are kept with their reasons, one for each place") {
  Metrics metrics;
  Recorder recorder(metrics);
  CallSite& site = recorder.site(kKey);
  for (int i = 1; i <= 80; ++i) {
    const std::string pod = "pod-" + std::to_string(i);
    site.first_call(FirstOn::backend, first(100 * i, i, pod, 1), {"main#1", false, {}});
  }
  REQUIRE(recorder.first_calls().size() == 50);
  CHECK(recorder.first_calls().front().backend == "pod-80");
  CHECK(recorder.first_calls().front().why == "first on the backend");
  CHECK(recorder.first_calls().back().backend == "pod-31");

  const CallSample slow = first(0, 500, "pod-1", 2);
  site.first_call(FirstOn::connection, slow, {"main#2", true, slow.timing.started + 120ms});
  CHECK(recorder.first_calls().front().why == "dial and TLS 120ms, first on the connection");
  CHECK(recorder.first_calls().front().connecting == 120ms);
  site.first_call(FirstOn::connection, slow, {"main#2", true, slow.timing.started + 120ms, "dial 1ms, TLS 119ms"});
  CHECK(recorder.first_calls().front().why == "dial and TLS 120ms (dial 1ms, TLS 119ms), first on the connection");
  site.first_call(FirstOn::connection, first(0, 200, "pod-1", 2), {"main#2", false, {}});
  CHECK(recorder.first_calls().size() == 50);
  CHECK(recorder.first_calls().front().took == 200ms);
}

TEST_CASE("attempts are counted where they are told, and the calls where they are not") {
  Metrics metrics;
  Recorder recorder(metrics);
  CallSite& site = recorder.site(kKey);
  for (const std::uint32_t attempts : {1u, 3u, 0u}) site.call_attempts(attempts);
  CHECK(value(metrics, "grpc_call_attempts") == 4);
  CHECK(value(metrics, "grpc_call_attempts_known") == 2);
  CHECK(value(metrics, "grpc_call_attempts_unknown") == 1);
}

TEST_CASE("what the transport held back is counted, and leaves no trace where nothing was") {
  Metrics metrics;
  Recorder recorder(metrics);
  CallSite& site = recorder.site(kKey);
  site.held_back(0ns, 0);
  CHECK(metrics.snapshot().find("grpc_queue_seconds")->series.empty());
  site.held_back(20ms, 0);
  site.held_back(0ns, 3);
  CHECK(value(metrics, "grpc_flow_control_stalls") == 3);
  CHECK(metrics.snapshot().find("grpc_queue_seconds")->series.size() == 1);
}

TEST_CASE("messages told while the stream runs are not counted again at its end") {
  Metrics metrics;
  Recorder recorder(metrics);
  CallSite& site = recorder.site(kKey);
  site.stream_opened();
  site.stream_progress(6, 0);
  site.stream_progress(1, 2);
  CHECK(value(metrics, "grpc_messages_sent") == 7);
  CHECK(recorder.check_conservation().empty());
  StreamSample sample = stream("OK", "pod-a", 10, 10);
  sample.received = 3;
  sample.sent_told = 7;
  sample.received_told = 2;
  site.stream_ended(sample);
  CHECK(value(metrics, "grpc_messages_sent") == 10);
  CHECK(value(metrics, "grpc_messages_received") == 3);
  CHECK(recorder.check_conservation().empty());
}

TEST_CASE("cancelled is neither success nor failure, and what is open stays open") {
  Metrics metrics;
  Recorder recorder(metrics);
  CallSite& site = recorder.site(kKey);
  for (int i = 0; i < 5; ++i) site.call_started();
  site.call_ended({timing(0s, 1ms), "OK", "pod-a"});
  site.call_ended({timing(0s, 1ms), "CANCELLED", ""});
  site.call_ended({timing(0s, 1ms), "DEADLINE_EXCEEDED", "unknown"});
  CHECK(site.calls().started == 5);
  CHECK(site.calls().succeeded == 1);
  CHECK(site.calls().cancelled == 1);
  CHECK(site.calls().failed == 1);
  CHECK(site.calls().open == 2);
  CHECK(value(metrics, "grpc_calls", make_labels({{"code", "CANCELLED"}})) == 1);
  CHECK(recorder.check_conservation().empty());
}

TEST_CASE("what does not add up is named") {
  SECTION("a call that ended twice") {
    Metrics metrics;
    Recorder recorder(metrics);
    CallSite& site = recorder.site(kKey);
    site.call_started();
    site.call_ended({timing(0s, 1ms), "OK", "pod-a"});
    site.call_ended({timing(0s, 1ms), "OK", "pod-a"});
    CHECK(
        recorder.check_conservation() ==
        "calls of hello.Hello/SayHello, scenario main: 1 started, but 2 succeeded + 0 failed + 0 cancelled + -1 open");
  }
  SECTION("a metric that was changed behind the recorder's back") {
    Metrics metrics;
    Recorder recorder(metrics);
    metrics.add(metrics.series("grpc_calls", {}));
    CHECK(recorder.check_conservation() == "calls ended: 0, but metric grpc_calls says 1");
  }
  SECTION("more messages confirmed than written") {
    Metrics metrics;
    Recorder recorder(metrics);
    CallSite& site = recorder.site(kKey);
    site.stream_opened();
    site.stream_ended(stream("OK", "pod-a", 3, 5));
    CHECK(recorder.check_conservation() == "messages: 3 sent, but 5 confirmed + 0 unconfirmed");
  }
}

TEST_CASE("one key is one call site, whatever else differs is another") {
  Metrics metrics;
  Recorder recorder(metrics);
  CallSiteKey phase = kKey, tag = kKey;
  phase.phase = "warmup";
  tag.tags = {{"team", "b"}};
  CHECK(&recorder.site(kKey) == &recorder.site(CallSiteKey(kKey)));
  CHECK(&recorder.site(kKey) != &recorder.site(phase));
  CHECK(&recorder.site(kKey) != &recorder.site(tag));
}
