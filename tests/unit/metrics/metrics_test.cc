#include "lgen/metrics.h"

#include <limits>
#include <set>

#include <fstream>

#include "catch.h"
#include "folder.h"
#include "lgen/log.h"

using namespace lgen;
using namespace std::chrono_literals;

namespace {

const SeriesSnapshot& only_series(const Snapshot& snapshot, std::string_view metric) {
  const MetricSnapshot* found = snapshot.find(metric);
  REQUIRE(found);
  REQUIRE(found->series.size() == 1);
  return found->series[0];
}

MetricSpec user_counter(std::string name, std::vector<std::string> labels = {}) {
  MetricSpec spec;
  spec.name = std::move(name);
  spec.labels = std::move(labels);
  return spec;
}

}  // namespace

TEST_CASE("the built-in table holds the documented names, each once, with help and fitting units") {
  const std::set<std::string> expected = {"iterations",
                                          "iteration_duration_seconds",
                                          "iterations_failed",
                                          "iterations_dropped",
                                          "vus",
                                          "checks",
                                          "grpc_calls",
                                          "grpc_call_duration_seconds",
                                          "grpc_call_service_seconds",
                                          "grpc_first_call_seconds",
                                          "grpc_call_attempts",
                                          "grpc_call_attempts_known",
                                          "grpc_call_attempts_unknown",
                                          "grpc_streams_active",
                                          "grpc_streams_opened",
                                          "grpc_streams_ended",
                                          "grpc_streams_failed",
                                          "grpc_streams_leaked",
                                          "grpc_stream_open_seconds",
                                          "grpc_stream_open_service_seconds",
                                          "grpc_stream_first_message_seconds",
                                          "grpc_stream_duration_seconds",
                                          "grpc_messages_sent",
                                          "grpc_messages_received",
                                          "grpc_messages_confirmed",
                                          "grpc_messages_unconfirmed",
                                          "grpc_messages_discarded",
                                          "grpc_message_rtt_seconds",
                                          "grpc_message_service_seconds",
                                          "grpc_message_lag_seconds",
                                          "grpc_message_gap_seconds",
                                          "grpc_messages_unanswered",
                                          "grpc_messages_unmatched",
                                          "grpc_queue_seconds",
                                          "grpc_flow_control_stalls",
                                          "grpc_connections",
                                          "http_requests",
                                          "http_requests_failed",
                                          "http_request_duration_seconds",
                                          "http_request_service_seconds",
                                          "http_first_byte_seconds",
                                          "http_queue_seconds",
                                          "http_connect_seconds",
                                          "http_tls_seconds",
                                          "http_tls_resumed",
                                          "http_redirects",
                                          "http_requests_retried",
                                          "http_requests_reused",
                                          "http_bytes_sent",
                                          "http_bytes_received",
                                          "http_connections",
                                          "http_connections_closed",
                                          "http_connections_open",
                                          "http_first_request_seconds",
                                          "grpc_channel_state",
                                          "start_lag_seconds",
                                          "vu_wait_seconds",
                                          "loop_lag_seconds",
                                          "slice_seconds",
                                          "gc_pause_seconds"};
  std::set<std::string> names;
  for (const MetricSpec& spec : builtin_metrics()) {
    INFO(spec.name);
    CHECK(names.insert(spec.name).second);
    CHECK(spec.built_in);
    CHECK(!spec.help.empty());
    CHECK((spec.unit == "s") == spec.name.ends_with("_seconds"));
    CHECK((spec.type == MetricType::histogram) == spec.name.ends_with("_seconds"));
  }
  CHECK(names == expected);
}

TEST_CASE("latency histograms carry neither channel nor code, outcome counters carry both") {
  for (const MetricSpec& spec : builtin_metrics()) {
    const std::set<std::string> labels(spec.labels.begin(), spec.labels.end());
    INFO(spec.name);
    if (spec.type == MetricType::histogram) {
      CHECK(labels.count("code") + labels.count("channel") == 0);
    }
    if (spec.name == "grpc_calls" || spec.name == "grpc_streams_ended" || spec.name == "grpc_messages_confirmed") {
      CHECK(labels.count("code") + labels.count("channel") + labels.count("pool") + labels.count("backend") == 4);
    }
  }
}

TEST_CASE("counters add up, gauges keep last and extremes, rates share, histograms ticks") {
  Metrics metrics;
  const Labels labels = make_labels({{"scenario", "s"}});
  const SeriesId iterations = metrics.series("iterations", labels), vus = metrics.series("vus", labels),
                 checks = metrics.series("checks", labels), lag = metrics.series("loop_lag_seconds", {});
  metrics.add(iterations);
  metrics.add(iterations, 2.5);
  metrics.set(vus, 5);
  metrics.shift(vus, -3);
  metrics.shift(vus, 1);
  for (const bool ok : {true, true, false, true}) metrics.hit(checks, ok);
  metrics.record(lag, 1500us);
  metrics.record(lag, 0.003);
  metrics.record(lag, Duration(1600));  // 1.6 us

  const Snapshot s = metrics.snapshot();
  CHECK(only_series(s, "iterations").value == 3.5);
  CHECK(only_series(s, "iterations").count == 2);
  CHECK(only_series(s, "vus").value == 3);
  CHECK(only_series(s, "vus").min == 2);
  CHECK(only_series(s, "vus").max == 5);
  CHECK(only_series(s, "checks").value == 0.75);
  CHECK(only_series(s, "checks").hits == 3);
  const SeriesSnapshot& h = only_series(s, "loop_lag_seconds");
  CHECK(h.count == 3);
  CHECK(h.histogram->min() == 2);
  CHECK(h.histogram->sum() == 4502);
  CHECK(s.find("loop_lag_seconds")->tick() == 1e-6);
  CHECK(metrics.total("iterations") == 3.5);
  CHECK(metrics.total("loop_lag_seconds") == 3);
  CHECK(metrics.total("nothing") == 0);
}

TEST_CASE("a histogram's tick follows its unit or its scale") {
  struct Row {
    std::string unit;
    double scale, tick, value;
    std::int64_t ticks;
  };
  for (const Row& row : {Row{"s", 0, 1e-6, 0.25, 250'000}, Row{"B", 0, 1, 4096, 4096}, Row{"", 0, 1e-3, 1.5, 1500},
                         Row{"", 0.5, 0.5, 10, 20}}) {
    Metrics metrics;
    MetricSpec spec = user_counter("h");
    spec.type = MetricType::histogram;
    spec.unit = row.unit;
    spec.scale = row.scale;
    metrics.record(metrics.series(*metrics.define(spec), {}), row.value);
    const Snapshot s = metrics.snapshot();
    CHECK(only_series(s, "h").histogram->max() == row.ticks);
    CHECK(s.find("h")->tick() == row.tick);
  }
}

TEST_CASE("impossible samples are counted at the edge instead of breaking anything") {
  Metrics metrics;
  const SeriesId lag = metrics.series("loop_lag_seconds", {});
  metrics.record(lag, -1.0);
  metrics.record(lag, std::numeric_limits<double>::quiet_NaN());
  metrics.record(lag, std::numeric_limits<double>::infinity());
  metrics.record(lag, -5us);
  metrics.record(lag, Duration::max());
  const Snapshot s = metrics.snapshot();
  CHECK(only_series(s, "loop_lag_seconds").count == 5);
  CHECK(only_series(s, "loop_lag_seconds").histogram->clamped() == 4);
  CHECK(only_series(s, "loop_lag_seconds").histogram->max() == Histogram::kDefaultHighest);
}

TEST_CASE("the same labels are the same series, in any order of making and without empty ones") {
  Metrics metrics;
  const SeriesId a = metrics.series("grpc_calls", make_labels({{"scenario", "s"}, {"code", "OK"}, {"pool", ""}}));
  const SeriesId b = metrics.series("grpc_calls", make_labels({{"code", "OK"}, {"scenario", "s"}}));
  const SeriesId c = metrics.series("grpc_calls", make_labels({{"code", "s"}, {"scenario", "OK"}}));
  CHECK(a == b);
  CHECK(a != c);
  CHECK_THROWS_AS(metrics.series("grpc_cals", {}), std::logic_error);
}

TEST_CASE("a metric that overflows is told once, in the log and for the report") {
  const test::Folder folder;
  REQUIRE(set_log_file(folder.path("log")).ok());
  Metrics metrics;
  MetricSpec spec;
  spec.name = "orders";
  spec.labels = {"id"};
  spec.max_series = 3;
  const MetricId orders = metrics.define(spec).value();
  for (int i = 0; i < 3; ++i) metrics.series(orders, {{"id", std::to_string(i)}});
  CHECK(metrics.overflowed().empty());
  for (int i = 0; i < 100; ++i) metrics.add(metrics.series(orders, {{"id", std::to_string(i)}}));
  REQUIRE(set_log_file("/dev/stderr").ok());
  CHECK(metrics.overflowed() == std::vector<std::string>{"orders"});
  std::ifstream log(folder.path("log"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(log, line);) lines.push_back(line);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("metric orders: more than 3 label sets; further ones are counted together") != std::string::npos);
  CHECK(lines[0].find("raise max_series") != std::string::npos);
  spec.scraped = true;  // a plan sets no max_series of these
  CHECK(overflow_words(spec).ends_with("(name only those you need in metrics = {...} of lgen.prom.target)"));
}

TEST_CASE("label sets beyond max_series share the overflow series, so memory is bounded and nothing is lost") {
  Metrics metrics;
  MetricSpec spec = user_counter("orders", {"customer"});
  spec.max_series = 10;
  const MetricId id = *metrics.define(spec);
  for (int i = 0; i < 1000; ++i) metrics.add(metrics.series(id, {{"customer", std::to_string(i)}}));
  const Snapshot s = metrics.snapshot();
  const auto& series = s.find("orders")->series;
  CHECK(series.size() == 11);
  const SeriesSnapshot rest = aggregate(*s.find("orders"), make_labels({{"overflow", "true"}}));
  CHECK(rest.value == 990);
  CHECK(aggregate(*s.find("orders"), {}).value == 1000);
}

TEST_CASE("overflow stays apart by scenario and phase, so warm-up stays out and thresholds on them see it") {
  Metrics metrics;
  MetricSpec spec = user_counter("orders", {"i"});
  spec.max_series = 5;
  const MetricId id = *metrics.define(spec);
  for (const char* phase : {"warmup", "main"}) {
    for (const char* scenario : {"a", "b"}) {
      for (int i = 0; i < 100; ++i) {
        const std::string number = std::to_string(i);
        metrics.add(metrics.series(id, make_labels({{"i", number}, {"phase", phase}, {"scenario", scenario}})));
      }
    }
  }
  const Snapshot s = metrics.snapshot();
  const MetricSnapshot& orders = *s.find("orders");
  CHECK(orders.series.size() == 5 + 4);
  CHECK(aggregate(orders, {}).value == 200);
  CHECK(aggregate(orders, make_labels({{"phase", "warmup"}})).value == 200);
  CHECK(aggregate(orders, make_labels({{"phase", "main"}, {"scenario", "b"}})).value == 100);
  CHECK(aggregate(orders, make_labels({{"overflow", "true"}, {"phase", "warmup"}, {"scenario", "a"}})).value == 95);
  CHECK(metrics.overflowed() == std::vector<std::string>{"orders"});
}

TEST_CASE("a bad definition is refused with its name and what to do") {
  struct Row {
    const char* what;
    MetricSpec spec;
    const char* message;
  };
  MetricSpec scale = user_counter("x");
  scale.scale = -1;
  MetricSpec none = user_counter("x");
  none.max_series = 0;
  for (const Row& row :
       {Row{"empty name", user_counter(""), "metric ''"}, Row{"digit first", user_counter("9x"), "does not start"},
        Row{"dash", user_counter("a-b"), "letters, digits and _"}, Row{"built in", user_counter("vus"), "is built in"},
        Row{"other definition", user_counter("mine", {"b"}), "already defined differently"},
        Row{"label of the engine", user_counter("x", {"scenario"}), "set by the engine"},
        Row{"label of Prometheus", user_counter("x", {"le"}), "choose another name"},
        Row{"bad label", user_counter("x", {"a b"}), "label 'a b'"},
        Row{"label twice", user_counter("x", {"a", "a"}), "given twice"}, Row{"scale", scale, "above 0"},
        Row{"no series", none, "max_series"}}) {
    Metrics metrics;
    REQUIRE(metrics.define(user_counter("mine", {"a"})).ok());
    const auto result = metrics.define(row.spec);
    INFO(row.what);
    REQUIRE_FALSE(result.ok());
    INFO(result.error().message);
    CHECK(result.error().code == ErrorCode::invalid_argument);
    CHECK(result.error().message.find(row.message) != std::string::npos);
  }
}

TEST_CASE("defining the same metric again gives the same id") {
  Metrics metrics;
  const auto a = metrics.define(user_counter("mine", {"backend"})),
             b = metrics.define(user_counter("mine", {"backend"}));
  REQUIRE(a.ok());
  REQUIRE(b.ok());
  CHECK(*a == *b);
  CHECK(metrics.find("mine") == *a);
  CHECK(metrics.spec(*a).labels == std::vector<std::string>{"backend"});
  CHECK(metrics.names().back() == "mine");
}

TEST_CASE("a snapshot leaves out what was never measured, but keeps a counter at 0") {
  Metrics metrics;
  metrics.series("iterations_failed", {});
  metrics.series("vus", {});
  metrics.series("loop_lag_seconds", {});
  const Snapshot s = metrics.snapshot();
  CHECK(only_series(s, "iterations_failed").value == 0);
  CHECK(s.find("vus")->series.empty());
  CHECK(s.find("loop_lag_seconds")->series.empty());
  CHECK(s.find("no_such_metric") == nullptr);
}

TEST_CASE("merging snapshots equals measuring everything in one place") {
  Metrics a, b, both;
  for (int i = 0; i < 300; ++i) {
    Metrics& part = i % 3 == 0 ? a : b;
    const Labels labels = make_labels({{"scenario", i % 2 ? "odd" : "even"}});
    for (Metrics* metrics : {&part, &both}) {
      metrics->add(metrics->series("iterations", labels), i);
      metrics->hit(metrics->series("checks", labels), i % 5 != 0);
      metrics->record(metrics->series("iteration_duration_seconds", labels), Duration(i * 1'000'000));
    }
  }
  Snapshot merged = a.snapshot();
  merged.merge(b.snapshot());
  const Snapshot whole = both.snapshot();
  for (const char* name : {"iterations", "checks", "iteration_duration_seconds"}) {
    for (const char* scenario : {"odd", "even"}) {
      const Labels labels = make_labels({{"scenario", scenario}});
      const SeriesSnapshot x = aggregate(*merged.find(name), labels), y = aggregate(*whole.find(name), labels);
      INFO(name << " " << scenario);
      CHECK(x.value == y.value);
      CHECK(x.count == y.count);
      CHECK(x.hits == y.hits);
      if (y.histogram) CHECK(x.histogram->encode_v2() == y.histogram->encode_v2());
    }
  }
}

TEST_CASE("merged gauges add their last values and widen their extremes; a foreign metric is taken over") {
  Metrics a, b;
  a.set(a.series("vus", {}), 10);
  b.set(b.series("vus", {}), 4);
  b.set(b.series("vus", {}), 7);
  b.add(b.series(*b.define(user_counter("mine")), {}), 3);
  Snapshot s = a.snapshot();
  s.merge(b.snapshot());
  CHECK(only_series(s, "vus").value == 17);
  CHECK(only_series(s, "vus").min == 4);
  CHECK(only_series(s, "vus").max == 10);
  CHECK(only_series(s, "mine").value == 3);
}

TEST_CASE("warm-up is left out of sums unless it is asked for") {
  Metrics metrics;
  metrics.add(metrics.series("iterations", make_labels({{"scenario", "s"}, {"phase", "warmup"}})), 5);
  metrics.add(metrics.series("iterations", make_labels({{"scenario", "s"}, {"phase", "steady"}})), 7);
  metrics.add(metrics.series("iterations", make_labels({{"scenario", "other"}})), 1);
  const Snapshot s = metrics.snapshot();
  const MetricSnapshot& m = *s.find("iterations");
  CHECK(aggregate(m, {}).value == 8);
  CHECK(aggregate(m, make_labels({{"scenario", "s"}})).value == 7);
  CHECK(aggregate(m, make_labels({{"phase", "warmup"}})).value == 5);
  CHECK(aggregate(m, make_labels({{"scenario", "none"}})).count == 0);
}

TEST_CASE("a snapshot since another one holds what has changed, and adds up to the later one") {
  Metrics metrics;
  const auto labels = [](std::string_view backend) { return make_labels({{"backend", backend}}); };
  metrics.add(metrics.series("grpc_calls", labels("b")), 5);
  metrics.add(metrics.series("grpc_calls", labels("c")), 7);
  metrics.hit(metrics.series("checks", {}), true);
  metrics.set(metrics.series("vus", {}), 4);
  const Snapshot before = metrics.snapshot();
  metrics.add(metrics.series("grpc_calls", labels("a")), 2);  // stands before those that were there
  metrics.add(metrics.series("grpc_calls", labels("c")), 1);
  metrics.hit(metrics.series("checks", {}), false);
  metrics.record(metrics.series("grpc_call_duration_seconds", labels("a")), 10ms);
  const Snapshot now = metrics.snapshot(), change = now.since(before);
  const MetricSnapshot* calls = change.find("grpc_calls");
  REQUIRE(calls);
  REQUIRE(calls->series.size() == 2);
  CHECK(calls->series[0].labels == labels("a"));
  CHECK(calls->series[0].value == 2);
  CHECK(calls->series[1].labels == labels("c"));
  CHECK(calls->series[1].value == 1);
  CHECK(only_series(change, "checks").count == 1);
  CHECK(only_series(change, "checks").hits == 0);
  CHECK(only_series(change, "checks").value == 0);
  CHECK(only_series(change, "grpc_call_duration_seconds").histogram->count() == 1);
  CHECK(!change.find("vus"));
  CHECK(now.since(now).metrics.empty());
}

TEST_CASE("ticks come out in the metric's unit without noise, whatever the scale") {
  struct Row {
    double scale, ticks, value;
  };
  for (const Row& row : {Row{1e-6, 10103, 0.010103}, Row{1e-3, 3, 0.003}, Row{1, 7, 7}, Row{0.003, 1000, 3},
                         Row{250, 4, 1000}, Row{0.25, 3, 0.75}}) {
    MetricSnapshot metric;
    metric.spec.type = MetricType::histogram;
    metric.spec.scale = row.scale;
    INFO(row.scale);
    CHECK(metric.in_unit(row.ticks) == row.value);
  }
}
