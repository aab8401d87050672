#include <sstream>

#include "catch.h"
#include "golden.h"
#include "lgen/report.h"
#include "lgen/text.h"
#include "sample_summary.h"
#include "sections.h"

using namespace lgen;
using namespace lgen::test;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string without_colour(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      i = text.find('m', i);
    } else {
      plain += text[i];
    }
  }
  return plain;
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

Summary zoned_summary() {
  Summary summary = good_summary();
  summary.distributions = {placed(20, 30, [](std::size_t c, std::size_t s) {
    return "streamer-7d9c8b6f5-" + std::string(c % 2 ? "xk2p" : "a8fz") + std::to_string(s % 4);
  })};
  return summary;
}

Summary many_pods() {
  Summary summary = good_summary();
  summary.distributions = {
      placed(60, 40, [](std::size_t c, std::size_t s) { return "10.0." + std::to_string((c + s) % 40) + ".7:50051"; })};
  return summary;
}

}  // namespace

TEST_CASE("the console report is what the golden files show") {
  check_golden("report/console_good_80.txt", render_console(good_summary(), {false, 80}));
  check_golden("report/console_bad_80.txt", render_console(bad_summary(), {false, 80}));
  check_golden("report/console_bad_60.txt", render_console(bad_summary(), {false, 60}));
  check_golden("report/console_zoned_80.txt", render_console(zoned_summary(), {false, 80}));
  check_golden("report/console_many_pods_80.txt", render_console(many_pods(), {false, 80}));
}

TEST_CASE("no line of the console is wider than asked for or ends in a blank") {
  for (const Summary& summary : {good_summary(), bad_summary(), zoned_summary(), many_pods(), Summary{}}) {
    for (const int width : {40, 50, 60, 80, 100, 132}) {
      for (const std::string& line : lines_of(render_console(summary, {false, width}))) {
        INFO("width " << width << ": |" << line << "|");
        CHECK(display_width(line) <= static_cast<std::size_t>(width));
        CHECK((line.empty() || line.back() != ' '));
      }
    }
  }
}

TEST_CASE("colour adds escape codes and nothing else") {
  const std::string plain = render_console(bad_summary(), {false, 80});
  const std::string coloured = render_console(bad_summary(), {true, 80});
  CHECK(plain.find('\x1b') == std::string::npos);
  CHECK(coloured != plain);
  CHECK(without_colour(coloured) == plain);
}

TEST_CASE("an event without fields tells its time all the same") {
  Summary summary;
  summary.events = {{2.5, "ctl_pause", {}}};
  CHECK(holds(render_console(summary, {false, 80}), "  ctl_pause ×1\n    2.5s ctl_pause\n"));
}

TEST_CASE("errors in warm-up stand apart from those that count") {
  Summary summary;
  summary.errors = {{"INTERNAL", "cold", "m", "", 0, 1, 2, 7}, {"INTERNAL", "bad", "m", "", 3, 8, 8, 2}};
  const std::string text = render_console(summary, {false, 80});
  CHECK(holds(text,
              "ERRORS\n      3 × INTERNAL bad\n          m, at 8.0s, and 2 in warm-up\n"
              "  in warm-up 7 × INTERNAL cold\n          m, 1.0s to 2.0s\n"));
  summary.errors.pop_back();
  CHECK(holds(render_console(summary, {false, 80}), "ERRORS only in warm-up, which does not count\n"));
}

TEST_CASE("scraped histograms show percentiles out of their buckets") {
  Metrics metrics;
  MetricSpec spec{.name = "x_seconds_bucket", .type = MetricType::counter, .labels = {"pod"}};
  spec.scraped = spec.type_told = true;
  const auto buckets = metrics.define(spec);
  REQUIRE(buckets);
  for (const auto& [le, count] : {std::pair("0.1", 50.), {"0.2", 90.}, {"1", 100.}, {"+Inf", 100.}}) {
    metrics.add(metrics.series(*buckets, make_labels({{"le", le}, {"pod", "a"}})), count);
  }
  Summary summary;
  summary.metrics = metrics.snapshot();
  CHECK(holds(render_console(summary, {false, 80}), "x_seconds_bucket  p50 100ms, p90 200ms, p99 920ms of 100\n"));
}

TEST_CASE("checks in warm-up stand beside those that count") {
  Summary summary;
  summary.checks = {{"fits", 30, 0, "", 1990, 4}, {"answers", 30, 1, "late", 5, 0}};
  const std::string text = render_console(summary, {false, 132});
  CHECK(holds(text, "✓ fits: 30 of 30 (and 1,994 in warm-up, 4 of them failed)\n"));
  CHECK(holds(text, "✗ answers: 30 of 31, 1 failed (first: late) (and 5 in warm-up)\n"));
}

TEST_CASE("failed checks that a threshold on checks judges are told as excused while it holds") {
  Summary summary;
  summary.checks = {{"answers", 9, 1, "late", 0, 0}};
  summary.thresholds = {{"checks", "rate > 0.8", {}, 0.9, true, ""}};
  CHECK(holds(render_console(summary, {false, 132}),
              "! answers: 9 of 10, 1 failed (first: late); excused by threshold checks rate > 0.8\n"));
  summary.thresholds[0].ok = false;
  CHECK(holds(render_console(summary, {false, 132}), "✗ answers: 9 of 10, 1 failed (first: late)\n"));
  summary.run.exit_code = 99;
  CHECK(outcome_words(summary) == "exit code 99: 1 threshold and 1 check failed");
  summary.thresholds[0].ok = true;
  summary.thresholds.push_back({"iterations", "count > 5", {}, 1., false, "count is 1, not > 5"});
  CHECK(outcome_words(summary) == "exit code 99: 1 threshold failed");
}

TEST_CASE("what a threshold has observed is told in its metric's unit") {
  Metrics metrics;
  const auto own = metrics.define({.name = "wait", .type = MetricType::histogram, .unit = "s"});
  REQUIRE(own);
  metrics.record(metrics.series(*own, {}), std::chrono::milliseconds(100));
  Summary summary;
  summary.metrics = metrics.snapshot();
  summary.thresholds = {{"wait", "max < 1", {}, 0.1, true, ""}, {"wait", "count < 2", {}, 1., true, ""}};
  const std::string text = render_console(summary, {false, 132});
  CHECK(holds(text, "wait max < 1: 100ms\n"));
  CHECK(holds(text, "wait count < 2: 1\n"));
}

TEST_CASE("how long pages took stands with the system under test, not among the latencies") {
  Metrics metrics;
  MetricSpec spec{.name = "scrape_duration_seconds", .type = MetricType::histogram, .unit = "s", .labels = {"pod"}};
  spec.scraped = true;
  const auto took = metrics.define(spec);
  REQUIRE(took);
  metrics.record(metrics.series(*took, {{"pod", "a"}}), std::chrono::milliseconds(10));
  Summary summary;
  summary.metrics = metrics.snapshot();
  const std::string text = render_console(summary, {false, 132});
  CHECK_FALSE(holds(text, "LATENCY"));
  CHECK(holds(text, "SYSTEM UNDER TEST"));
  CHECK(holds(text, "scrape_duration_seconds  p50 10.0ms, p99 10.0ms, max 10.0ms of 1\n"));
}

TEST_CASE("names of scraped metrics that do not fit have a line of their own; their units are read off them") {
  Metrics metrics;
  const auto scraped = [&](const char* name, MetricType type, double value) {
    MetricSpec spec{.name = name, .type = type, .labels = {"pod"}};
    spec.scraped = spec.type_told = true;
    const auto id = metrics.define(spec);
    REQUIRE(id);
    const SeriesId series = metrics.series(*id, {{"pod", "a"}});
    type == MetricType::gauge ? metrics.set(series, value) : metrics.add(series, value);
  };
  scraped("grpc_server_call_rcvd_total_compressed_message_size_bytes_sum", MetricType::counter, 38'715);
  scraped("grpc_server_call_rcvd_total_compressed_message_size_bytes_count", MetricType::counter, 3'612);
  scraped("process_cpu_seconds_total", MetricType::counter, 1.33);
  scraped("process_start_time_seconds", MetricType::gauge, 1'795'309'880.12);
  Summary summary;
  summary.metrics = metrics.snapshot();
  const std::string text = render_console(summary, {false, 80});
  INFO(text);
  for (const char* part : {"  grpc_server_call_rcvd_total_compressed_message_size_bytes_sum\n", " +37.8K\n",
                           "message_size_bytes_count\n", " +3,612\n", "  process_cpu_seconds_total ", " +1.33s\n",
                           "  process_start_time_seconds ", " 1,795,309,880 .. 1,795,309,880\n"}) {
    INFO(part);
    CHECK(holds(text, part));
  }
}

TEST_CASE("sections with nothing to say are not printed") {
  const std::string text = render_console(Summary{}, {false, 80});
  for (const char* title : {"THRESHOLDS", "CHECKS", "VERDICT", "SCENARIOS", "LATENCY", "STATUS CODES", "STREAMS",
                            "BACKENDS", "CONNECTIONS", "EVENTS", "ERRORS", "NOTES", "NOT ACCOUNTED FOR"}) {
    INFO(title);
    CHECK_FALSE(holds(text, title));
  }
  CHECK(holds(text, "GENERATOR"));
}

TEST_CASE("sockets, channels and reconnects are said in words") {
  struct Case {
    const char* scene;
    std::vector<ChannelSummary> channels;
    const char* words;
  };
  const auto kept = [](const char* how, std::uint64_t n) {
    return ChannelSummary{"c", "p", "t", n, 0, "", how, 1, n > 1 ? n - 1 : 0};
  };
  const auto own = [&](std::uint64_t n) { return kept("own", n); };
  const auto shared = [&](std::uint64_t n) { return kept("shared", n); };
  const auto renewed = [](std::uint64_t made, std::uint64_t n, std::uint64_t reconnects) {
    return ChannelSummary{"c", "", "t", n, 0, "", "own", made, reconnects};
  };
  const Case cases[] = {
      {"no channel", {}, ""},
      {"each its own", {own(1), own(1), own(1)}, "3 sockets for 3 channels: no reconnect"},
      {"one more", {own(1), own(2), own(1)}, "4 sockets for 3 channels: one reconnect"},
      {"many", {own(3), own(3)}, "6 sockets for 2 channels: 4 reconnects"},
      {"one down", {own(1), own(0), own(2)}, "3 sockets for 3 channels: one reconnect, one never connected"},
      {"all down", {own(0), own(0)}, "0 sockets for 2 channels: no reconnect, 2 never connected"},
      {"shared", {shared(1), shared(1), shared(1)}, "1 socket for 3 channels: shared, no reconnect"},
      {"shared, reconnected", {shared(2), shared(2)}, "2 sockets for 2 channels: shared, one reconnect"},
      {"one after the other", {renewed(120, 120, 0)}, "120 sockets for 120 channels: no reconnect"},
      {"one of which came back, and two were refused",
       {renewed(5, 4, 1)},
       "4 sockets for 5 channels: one reconnect, 2 never connected"},
      {"some shared", {shared(1), shared(1), own(1)}, "2 sockets for 3 channels: 2 of them shared, no reconnect"},
  };
  for (const Case& c : cases) {
    INFO(c.scene);
    CHECK(socket_words(c.channels) == c.words);
  }
}

TEST_CASE("how connections were made is said by the one that took longest") {
  using namespace std::chrono_literals;
  std::vector<ConnectionRecord> made(3);
  for (ConnectionRecord& record : made) record.channel = "main", record.connection = 1;
  CHECK(making_words(made).empty());
  made[1].connection = 2;
  made[1].timing = {.dns = 300us, .connect = 120us, .tls = 12ms, .settings = 580us};
  CHECK(making_words(made) == "made in 13.0ms for main#2: name 300us, dial 120us, TLS 12ms, SETTINGS 580us");
  made[0].timing = made[2].timing = {.connect = 100us, .settings = 200us};
  CHECK(making_words(made) ==
        "made in 300us at the median, at most in 13.0ms for main#2: name 300us, dial 120us, TLS 12ms, SETTINGS 580us");
}

TEST_CASE("the verdict's line names what is spread and over whom") {
  const auto words = [](const DistributionResult& result) { return render_distribution(result, {false, 80}); };
  const auto pod = [](std::size_t n) { return "pod-" + std::to_string(n + 1); };
  CHECK(holds(words(placed(3, 10, [&](std::size_t c, std::size_t) { return pod(c); })),
              "per_connection: connections are spread over pod-1, pod-2 and pod-3\n"));
  CHECK(holds(words(placed(3, 30, [&](std::size_t, std::size_t s) { return pod(s % 3); })),
              "per_stream: streams are spread over pod-1, pod-2 and pod-3\n"));
  CHECK(holds(words(placed(3, 10, [&](std::size_t, std::size_t) { return pod(0); })),
              "inconclusive: these figures cannot tell\n"));
  const std::string zoned = words(placed(8, 30, [&](std::size_t c, std::size_t s) { return pod(c % 2 * 2 + s % 2); }));
  CHECK(holds(zoned, "per_stream_within_subset: streams are spread, inside one of 2 sets\n"));
  CHECK(holds(zoned, "  set 1: pod-1 and pod-2\n  set 2: pod-3 and pod-4\n"));
}

TEST_CASE("service time is shown only where it differs from response time") {
  CHECK(holds(render_console(bad_summary(), {false, 80}), "service"));
  Metrics metrics;
  for (const char* name : {"grpc_call_duration_seconds", "grpc_call_service_seconds"}) {
    metrics.record(metrics.series(name, make_labels({{"method", "a.B/C"}})), 0.01);
  }
  Summary summary;
  summary.metrics = metrics.snapshot();
  CHECK_FALSE(holds(render_console(summary, {false, 80}), "service"));
}

TEST_CASE("the wait for a free VU is shown where there was any") {
  const auto report = [](double wait) {
    Metrics metrics;
    metrics.record(metrics.series("vu_wait_seconds", make_labels({{"scenario", "s"}})), 0);
    metrics.record(metrics.series("vu_wait_seconds", make_labels({{"scenario", "s"}})), wait);
    Summary summary;
    summary.metrics = metrics.snapshot();
    return render_console(summary, {false, 80});
  };
  CHECK_FALSE(holds(report(0), "LATENCY"));
  CHECK(holds(report(0.25), "waited for a free VU"));
}

TEST_CASE("times between messages, uncorrelated messages and attempts are shown where there are any") {
  const auto report = [](const auto& record) {
    Metrics metrics;
    record(metrics);
    Summary summary;
    summary.metrics = metrics.snapshot();
    return render_console(summary, {false, 80});
  };
  const Labels labels = stream_labels();
  const auto streams = [&](Metrics& metrics) {
    metrics.add(metrics.series("grpc_streams_opened", labels));
    metrics.add(metrics.series("grpc_streams_ended", stream_labels({{"code", "OK"}})));
    metrics.record(metrics.series("grpc_stream_first_message_seconds", labels), 0.002);
    metrics.record(metrics.series("grpc_message_gap_seconds", labels), 0.1);
    metrics.add(metrics.series("grpc_messages_unanswered", labels), 1);
    metrics.add(metrics.series("grpc_messages_unmatched", labels), 1234);
  };
  const std::string text = report(streams);
  CHECK(holds(text, "\n    first msg  2.00ms  2.00ms"));
  CHECK(holds(text, "\n    gap         100ms   100ms"));
  CHECK(holds(text, "\n  unanswered 1 message sent got no answer\n"));
  CHECK(holds(text, "\n  unmatched  1,234 messages received answer nothing that was sent\n"));
  CHECK_FALSE(holds(text, "attempts"));

  const std::string retried = report([&](Metrics& metrics) {
    metrics.add(metrics.series("grpc_calls", stream_labels({{"code", "OK"}})), 7);
    metrics.add(metrics.series("grpc_call_attempts", labels), 9);
    metrics.add(metrics.series("grpc_call_attempts_known", labels), 5);
    metrics.add(metrics.series("grpc_call_attempts_unknown", labels), 2);
  });
  CHECK(holds(retried, "\n  attempts: 9 for 5 calls\n"));
  CHECK(holds(retried, "\n  attempts: unknown for 2 calls (retries are on"));
}

TEST_CASE("what servers send cannot steer the terminal") {
  Summary summary;
  summary.errors = {{"UNKNOWN", "\x1b[2J\x1b[1;1Hgone\nnext\xff", "", "", 1, 0, 0}};
  const std::string text = render_console(summary, {false, 80});
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(holds(text, "?[2J?[1;1Hgone next\xEF\xBF\xBD"));
}

TEST_CASE("the last line says how it ended") {
  CHECK(lines_of(render_console(good_summary(), {false, 80})).back() ==
        "✓ passed - streams by connection: per_connection");
  CHECK(lines_of(render_console(bad_summary(), {false, 100})).back() ==
        "✗ exit code 99: 2 thresholds and 1 check failed - streams by connection: per_connection");
  Summary interrupted;
  interrupted.run.exit_code = 105;
  CHECK(lines_of(render_console(interrupted, {false, 80})).back() == "✗ exit code 105: stopped by a signal");
  interrupted.run.end_reason = "lgen ctl stop";
  CHECK(lines_of(render_console(interrupted, {false, 80})).back() == "✗ exit code 105: stopped by lgen ctl");
  Summary excused = bad_summary();
  excused.run.exit_code = 0;
  const std::string text = render_console(excused, {false, 120});
  INFO(text);
  CHECK(holds(text, "✓ passed by --allow-failures: 2 thresholds and 1 check failed"));
}

TEST_CASE("the plan's own counters, gauges and rates are shown with their help; labels only where there are several") {
  Metrics metrics;
  const auto series = [&](MetricSpec spec, const Labels& labels) {
    return metrics.series(metrics.define(std::move(spec)).value(), labels);
  };
  metrics.add(series({.name = "losses", .help = "streams lost"}, make_labels({{"scenario", "a"}})), 12'345);
  const MetricSpec depth{.name = "depth", .type = MetricType::gauge};
  metrics.set(series(depth, make_labels({{"queue", "in"}})), 2);
  metrics.set(series(depth, make_labels({{"queue", "out"}})), 0.5);
  const SeriesId won = series({.name = "won", .type = MetricType::rate}, {});
  for (const bool yes : {true, true, false, true}) metrics.hit(won, yes);
  Page page(80, false);
  print_own_metrics(page, metrics.snapshot());
  for (const char* line : {"METRICS of the plan\n", "  losses  12,345  streams lost\n", "  depth\n    queue=in  2\n",
                           "    queue=out  0.5\n", "  won  75.0% of 4\n"}) {
    INFO(line << "in\n" << page.text());
    CHECK(holds(page.text(), line));
  }
  CHECK(!holds(page.text(), "scenario"));
}

TEST_CASE("channels that fail alike are told together") {
  Summary summary;
  for (int i = 1; i <= 60; ++i) {
    summary.channels.push_back(
        {.name = "main[" + std::to_string(i) + "]", .failed_attempts = 2, .last_error = "refused"});
  }
  summary.channels.push_back({.name = "other", .failed_attempts = 1, .last_error = "timed out"});
  const std::string text = render_console(summary, {false, 80});
  INFO(text);
  CHECK(holds(text, "  main[1], main[2], main[3] and 57 others: 120 failed attempts, the last:\n  refused\n"));
  CHECK(holds(text, "  other: 1 failed attempt, the last: timed out\n"));
}

TEST_CASE("of many series the largest are shown, and how many there are besides") {
  Metrics metrics;
  const MetricId id = metrics.define({.name = "orders"}).value();
  for (int i = 0; i < 12; ++i) metrics.add(metrics.series(id, make_labels({{"id", std::to_string(i)}})), i);
  metrics.add(metrics.series(id, make_labels({{"overflow", "true"}})), 500);
  Page page(80, false);
  print_own_metrics(page, metrics.snapshot());
  INFO(page.text());
  CHECK(holds(page.text(), "  orders  566\n    overflow=true  500\n    id=11  11\n    id=10  10\n"));
  CHECK(holds(page.text(), "    id=5  5\n    … 5 more\n"));
}

TEST_CASE("the sum of a plan's counter says that it leaves the warm-up out") {
  Metrics metrics;
  const MetricId done = metrics.define({.name = "done_things"}).value();
  metrics.add(metrics.series(done, make_labels({{"phase", "warmup"}})), 12);
  metrics.add(metrics.series(done, make_labels({{"phase", "main"}})), 3);
  Page page(80, false);
  print_own_metrics(page, metrics.snapshot());
  INFO(page.text());
  CHECK(holds(page.text(), "  done_things  3 (without warm-up)\n"));
}

TEST_CASE("a scenario tells how many of its iterations were warm-up") {
  Summary summary = good_summary();
  ScenarioProgress& scenario = summary.scenarios[0];
  scenario.warmup = std::chrono::seconds(10);
  CHECK(holds(render_console(summary, {false, 200}), "30 iterations, warm-up included: 30 ok"));
  scenario.started_in_warmup = 12;
  CHECK(holds(render_console(summary, {false, 200}), "30 iterations, 12 of them in warm-up: 30 ok"));
}

TEST_CASE("a scenario that ended before its time says when") {
  Summary summary = good_summary();
  ScenarioProgress& scenario = summary.scenarios[0];
  const auto says_so = [&] { return holds(render_console(summary, {false, 200}), "; ended early, after 7.5s"); };
  scenario.finished = true, scenario.elapsed = std::chrono::milliseconds(7'500);
  scenario.length = std::chrono::seconds(10), scenario.total.reset();
  CHECK(says_so());
  scenario.total = scenario.started;  // all that was to be done is done
  CHECK_FALSE(says_so());
  scenario.total.reset(), scenario.length = scenario.elapsed;
  CHECK_FALSE(says_so());
}

TEST_CASE("a run that never leaves its warm-up says why its sections are missing") {
  Metrics metrics;
  const auto iterate = [&](const char* phase) {
    metrics.add(metrics.series("iterations", make_labels({{"scenario", "a"}, {"phase", phase}})), 5);
  };
  const auto text = [&] {
    Summary summary;
    summary.metrics = metrics.snapshot();
    return render_console(summary, {false, 80});
  };
  CHECK_FALSE(holds(text(), "WARM-UP ONLY"));
  iterate("warmup");
  CHECK(holds(text(), "WARM-UP ONLY\n"));
  iterate("main");
  CHECK_FALSE(holds(text(), "WARM-UP ONLY"));
}

TEST_CASE("a run too short for it has no share of a core; one without a host names none") {
  Summary summary;
  summary.run.lgen_version = "1.2.3";
  summary.health.cpu_seconds = 195e-6;
  summary.health.cpu_share = 2.4;
  const std::string brief = render_console(summary, {false, 80});
  INFO(brief);
  CHECK(holds(brief, "  CPU 195us, memory"));
  CHECK(holds(brief, "lgen 1.2.3\n"));
  summary.health.cpu_seconds = 0.24;
  CHECK(holds(render_console(summary, {false, 80}), "CPU 240ms (240% of a core)"));
}

TEST_CASE("rates are over the time after the warm-up") {
  Metrics metrics;
  const auto calls = [&](const char* scenario, const char* phase, double n) {
    const Labels labels = make_labels({{"scenario", scenario}, {"phase", phase}, {"method", "/a.B/C"}, {"code", "OK"}});
    metrics.add(metrics.series("grpc_calls", labels), n);
  };
  calls("a", "warmup", 500);
  calls("a", "main", 120);
  calls("b", "", 300);
  Summary summary;
  summary.metrics = metrics.snapshot();
  summary.run.duration = summary.run.measured = 30;  // b was past its warm-up all the time
  summary.scenarios.resize(2);
  summary.scenarios[0].name = "a";
  summary.scenarios[0].warmup = std::chrono::seconds(10);
  summary.scenarios[0].measured = std::chrono::seconds(20);
  summary.scenarios[1].name = "b";
  summary.scenarios[1].measured = std::chrono::seconds(30);
  const std::string text = render_console(summary, {false, 80});
  INFO(text);
  CHECK(holds(text, "6/s"));   // 120 in 20 s
  CHECK(holds(text, "10/s"));  // 300 in 30 s
  CHECK(measured_seconds(summary, "a") == 20);
  CHECK(measured_seconds(summary) == 30);
  CHECK(measured_seconds(summary, *summary.metrics.find("grpc_calls")) == 30);
  CHECK(measured_seconds(summary, *summary.metrics.find("grpc_calls"), {{"scenario", "a"}}) == 20);
}

TEST_CASE("a scenario's rate is over its own time, that of several over the time in which any ran") {
  Metrics metrics;
  const auto calls = [&](const char* scenario, double n) {
    metrics.add(metrics.series("grpc_calls", make_labels({{"scenario", scenario}, {"code", "OK"}})), n);
  };
  calls("first", 1000);
  calls("second", 2000);
  Summary summary;
  summary.run.duration = 32;  // the second begins 2 s after the first has ended
  summary.run.measured = 30;
  summary.scenarios.resize(2);
  summary.scenarios[0].name = "first";
  summary.scenarios[0].measured = std::chrono::seconds(10);
  summary.scenarios[1].name = "second";
  summary.scenarios[1].measured = std::chrono::seconds(20);
  summary.metrics = metrics.snapshot();
  const MetricSnapshot& metric = *summary.metrics.find("grpc_calls");
  const auto rate = [&](double n, const Labels& wanted) { return n / measured_seconds(summary, metric, wanted); };
  CHECK(rate(1000, {{"scenario", "first"}}) == Approx(100));
  CHECK(rate(2000, {{"scenario", "second"}}) == Approx(100));
  CHECK(rate(3000, {}) == Approx(100));
  summary.run.measured = 20;  // side by side
  CHECK(rate(3000, {}) == Approx(150));
}

TEST_CASE("rates leave out what a pause kept still, and the report tells how long that was") {
  Metrics metrics;
  for (const char* scenario : {"rate", "held"}) {
    const Labels labels = make_labels({{"scenario", scenario}, {"method", "/a.B/C"}, {"code", "OK"}});
    metrics.add(metrics.series("grpc_calls", labels), 200);
  }
  Summary summary;
  summary.metrics = metrics.snapshot();
  summary.run.duration = 30;
  summary.run.paused = 5;
  summary.scenarios.resize(2);
  summary.scenarios[0].name = "rate";
  summary.scenarios[0].paused_for = std::chrono::seconds(10);
  summary.scenarios[1].name = "held";
  summary.scenarios[1].paused_for = std::chrono::seconds(5);
  const std::string text = render_console(summary, {false, 80});
  INFO(text);
  CHECK(holds(text, "30s, 5s of it paused, seed 0"));
  CHECK(holds(text, "; paused for 10s\n"));
  CHECK(holds(text, "10/s"));  // 200 in 20 s
  CHECK(holds(text, "8/s"));   // 200 in 25 s
  CHECK(measured_seconds(summary) == 25);
  CHECK(measured_seconds(summary, "rate") == 20);
}
