#include "log_analysis.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "catch.h"
#include "golden.h"
#include "lgen/text.h"

using namespace lgen;

namespace {

/// A log line at `seconds` after 14:48:00.
std::string at(double seconds, const std::string& message, const std::string& level = "INFO") {
  const int ms = static_cast<int>(seconds * 1000 + 0.5), s = ms / 1000 + 48 * 60;
  return fmt::format("2025-07-31 {:02}:{:02}:{:02},{:03} - root - {} - {}", 14 + s / 3600, s / 60 % 60, s % 60,
                     ms % 1000, level, message);
}

std::string who(const std::string& client, int channel) {
  return fmt::format("[Client: {}, Channel: {}] ", client, channel);
}

/// Feeds what a pod would log.
struct Pod {
  LogAnalysis& logs;
  std::string name;
  int active = 0;

  void line(const std::string& text) { logs.feed(name, text); }
  void start(double t, int age_ms = 600'000, int grace_ms = 60'000) {
    line(at(t, "Prometheus metrics server started on port 9464."));
    line(at(t, fmt::format("gRPC server started on port 50051 with max_connection_age={}ms, grace={}ms.", age_ms,
                           grace_ms)));
  }
  void open(double t, const std::string& prefix) {
    line(at(t, fmt::format("{}Stream opened. Active streams: {}.0", prefix, ++active)));
  }
  void finish(double t, const std::string& prefix) {
    line(at(t, fmt::format("{}Stream finished. Active streams: {}.0", prefix, --active)));
  }
  void close(double t, const std::string& prefix, int messages = 10) {
    line(at(t, fmt::format("{}Stream closed normally by client. Processed {} messages.", prefix, messages)));
    finish(t, prefix);
  }
};

std::uint64_t cell(const LogReport& report, const std::string& row, const std::string& pod) {
  const DistributionTable& table = report.distribution.table;
  for (std::size_t r = 0; r < table.row_names.size(); ++r) {
    for (std::size_t c = 0; c < table.col_names.size(); ++c) {
      if (table.row_names[r] == row && table.col_names[c] == pod) return table.counts[r][c];
    }
  }
  return 0;
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// Three channels of ten streams on three pods, the second channel cut at its connection's age and come back elsewhere.
LogReport a_day_at_work() {
  LogAnalysis logs;
  Pod pods[] = {{logs, "pod-1"}, {logs, "pod-2"}, {logs, "pod-3"}};
  pods[0].line("[notice] A new release of pip is available: 23.0.1 -> 25.2");
  for (Pod& pod : pods) pod.start(0);
  for (int c = 0; c < 3; ++c) {
    for (int s = 0; s < 10; ++s) pods[c].open(1 + s * 0.3, who("loadgen-a", c));
  }
  for (int s = 0; s < 10; ++s) {
    pods[1].line(at(660 + s * 0.01, who("loadgen-a", 1) + "An RPC error occurred: code=StatusCode.UNKNOWN", "WARNING"));
    pods[1].finish(660 + s * 0.01, who("loadgen-a", 1));
  }
  for (int s = 0; s < 10; ++s) pods[2].open(663 + s * 0.3, who("loadgen-a", 1));
  for (int s = 0; s < 10; ++s) {
    pods[0].close(700, who("loadgen-a", 0), 7000);
    if (s < 7) pods[2].close(701, who("loadgen-a", 2), 7000);
  }
  pods[2].line(at(702, "Stream opened but received no messages."));
  return logs.result();
}

}  // namespace

TEST_CASE("every form of line is understood") {
  struct Case {
    const char* text;
    LogLineKind kind;
    const char *client, *channel;
    std::uint64_t messages;
  };
  const std::string stamp = "2025-07-31 14:48:01,861 - root - ";
  const Case cases[] = {
      {"INFO - Prometheus metrics server started on port 9464.", LogLineKind::other_known, "", "", 0},
      {"INFO - HTTP server started on port 8100.", LogLineKind::other_known, "", "", 0},
      {"INFO - gRPC server started on port 50051 with max_connection_age=600000ms, grace=60000ms.",
       LogLineKind::server_started, "", "", 0},
      {"INFO - [Client: c-1, Channel: 2] Stream opened. Active streams: 3.0", LogLineKind::opened, "c-1", "2", 0},
      {"INFO - [Client: , Channel: 0] Stream opened. Active streams: 3.0", LogLineKind::opened, "", "0", 0},
      {"INFO - [Client: a], Channel: 1] b, Channel: 9] Stream opened. Active streams: 1.0", LogLineKind::opened,
       "a], Channel: 1] b", "9", 0},
      {"INFO - [Client: c, Channel: 1] Stream closed normally by client. Processed 17 messages.", LogLineKind::closed,
       "c", "1", 17},
      {"INFO - [Client: c, Channel: 1] Stream closed normally. Processed 17 messages.", LogLineKind::closed, "c", "1",
       17},
      {"INFO - [Client: c, Channel: 1] Stream cancelled by client after 5 messages.", LogLineKind::cancelled, "c", "1",
       5},
      {"INFO - [Client: c, Channel: 1] Stream finished. Active streams: 2.0", LogLineKind::finished, "c", "1", 0},
      {"INFO - Stream opened but received no messages.", LogLineKind::no_messages, "", "", 0},
      {"INFO - Stream opened. Active streams: 3.0", LogLineKind::opened, "", "", 0},
      {"INFO - Stream finished. Active streams: 2.0", LogLineKind::finished, "", "", 0},
      {"WARNING - [Client: c, Channel: 1] An RPC error occurred: code=X, details=y", LogLineKind::failed, "c", "1", 0},
      {"ERROR - [Client: c, Channel: 1] A non-specific RPC error occurred: gone", LogLineKind::failed, "c", "1", 0},
      {"INFO - Shutting down...", LogLineKind::foreign, "", "", 0},
      {"INFO - [Client: c, Channel: 1] Stream opened. Active streams: many", LogLineKind::foreign, "", "", 0},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    const std::string text = stamp + c.text;
    for (const std::string& whole :
         {text, "[pod/streamer-1/server] " + text + "\r\n", "2025-07-31T14:48:01.861234567Z " + text}) {
      const LogLine line = parse_log_line(whole);
      CHECK(line.kind == c.kind);
      CHECK(line.client == c.client);
      CHECK(line.channel == c.channel);
      CHECK(line.messages == c.messages);
      CHECK(line.at_ms == 1753973281861);
    }
  }
  CHECK(parse_log_line("[pod/streamer-1/server] x").pod == "streamer-1");
  const std::string start =
      stamp + "INFO - gRPC server started on port 1 with max_connection_age=2000ms, grace=1500ms.";
  CHECK(parse_log_line(start).age_s == 2.0);
  CHECK(parse_log_line(start).grace_s == 1.5);
  for (const char* foreign :
       {"", "Traceback (most recent call last):", "2025-07-31 14:48", "2025-07-31 14:48:01,861"}) {
    CHECK(parse_log_line(foreign).kind == LogLineKind::foreign);
  }
}

TEST_CASE("the analysis of a day is what the golden files show") {
  const LogReport report = a_day_at_work();
  test::check_golden("logs/console_80.txt", render_logs_console(report, {false, 80}));
  test::check_golden("logs/report.json", render_logs_json(report));
}

TEST_CASE("a row begins when a channel opens a stream while none of its streams is open anywhere") {
  LogAnalysis logs;
  Pod a{logs, "a"}, b{logs, "b"};
  a.open(1, who("c", 1));
  a.open(2, who("c", 1));
  a.close(3, who("c", 1));
  b.open(4, who("c", 1));  // the first stream on a still lives: the same connection, spread
  a.close(5, who("c", 1));
  b.close(6, who("c", 1));
  b.open(7, who("c", 1));  // nothing was open: a new connection
  const LogReport report = logs.result();
  CHECK(report.distribution.table.row_names == std::vector<std::string>{"c[1]#1", "c[1]#2"});
  CHECK(cell(report, "c[1]#1", "a") == 2);
  CHECK(cell(report, "c[1]#1", "b") == 1);
  CHECK(cell(report, "c[1]#2", "b") == 1);
  CHECK(report.pods[1].unclosed == 1);
}

TEST_CASE("pods are merged by time, whatever the order of the files") {
  LogAnalysis logs;
  Pod b{logs, "b"}, a{logs, "a"};
  b.open(10, who("c", 1));  // fed first, happened last
  a.open(1, who("c", 1));
  a.close(5, who("c", 1));
  const LogReport report = logs.result();
  CHECK(cell(report, "c[1]#1", "a") == 1);
  CHECK(cell(report, "c[1]#2", "b") == 1);
  CHECK(report.active[0].peak == 1);
}

TEST_CASE("a clock that steps back keeps a pod's lines in their order") {
  LogAnalysis logs;
  Pod a{logs, "a"};
  a.open(10, who("c", 1));
  a.close(9, who("c", 1));
  const LogReport report = logs.result();
  CHECK(report.pods[0].finished == 1);
  CHECK(report.pods[0].started_before == 0);
  CHECK(report.lifetimes.max == 0);
}

TEST_CASE("the parts of a rotated log may come in any order") {
  LogAnalysis logs;
  Pod a{logs, "a", 1};
  a.close(100, who("c", 1));
  a.active = 0;
  a.open(1, who("c", 1));
  const LogReport report = logs.result();
  CHECK(report.pods[0].finished == 1);
  CHECK(report.lifetimes.max == 99);
}

TEST_CASE("kubectl's prefix names the pod, also in one pipe of many") {
  LogAnalysis logs;
  logs.feed("-", "[pod/p1/server] " + at(1, who("c", 1) + "Stream opened. Active streams: 1.0"));
  logs.feed("-", "[pod/p2/server] " + at(1, who("c", 2) + "Stream opened. Active streams: 1.0"));
  const LogReport report = logs.result();
  REQUIRE(report.pods.size() == 2);
  CHECK(report.pods[0].name == "p1");
  CHECK(cell(report, "c[2]#1", "p2") == 1);
}

TEST_CASE("a client without a name is still a client") {
  LogAnalysis logs;
  Pod a{logs, "a"};
  a.open(1, who("", 0));
  CHECK(cell(logs.result(), "(no client)[0]#1", "a") == 1);
}

TEST_CASE("lines without client and channel count for pods and lifetimes only") {
  LogAnalysis logs;
  Pod a{logs, "a"};
  a.open(1, "");
  a.open(2, "");
  a.close(11, "", 3);
  const LogReport report = logs.result();
  CHECK(report.without_client == 2);
  CHECK(report.distribution.table.total() == 0);
  CHECK(report.pods[0].closed == 1);
  CHECK(report.pods[0].messages == 3);
  CHECK(report.pods[0].unclosed == 1);
  CHECK(report.lifetimes.max == 10);
  CHECK(report.distribution.verdict.kind == VerdictKind::inconclusive);
}

TEST_CASE("a server that starts anew has lost its open streams, and their channels begin new rows") {
  LogAnalysis logs;
  Pod a{logs, "a"};
  a.start(0);
  a.open(1, who("c", 1));
  a.active = 0;
  a.start(5);
  a.open(6, who("c", 1));
  a.close(7, who("c", 1));
  const LogReport report = logs.result();
  CHECK(report.pods[0].restarts == 1);
  CHECK(report.pods[0].lost_at_restart == 1);
  CHECK(report.pods[0].unclosed == 0);
  CHECK(cell(report, "c[1]#2", "a") == 1);
  CHECK(report.active[1].last == 0);
}

TEST_CASE("ends of streams the log did not see begin are told apart from streams without a message") {
  LogAnalysis logs;
  Pod a{logs, "a", 2};
  a.line(at(1, "Stream opened but received no messages."));
  a.finish(1, "[Client: Unknown, Channel: Unknown] ");  // the asyncio original's way
  a.finish(2, who("c", 1));                             // opened before the log began
  const LogReport report = logs.result();
  CHECK(report.pods[0].no_messages == 1);
  CHECK(report.pods[0].started_before == 1);
  CHECK(report.lifetimes.count == 0);
}

TEST_CASE("the counts of a pod add up") {
  for (const PodLog& pod : a_day_at_work().pods) {
    INFO(pod.name);
    CHECK(pod.opened == pod.finished + pod.unclosed + pod.lost_at_restart);
    CHECK(pod.finished == pod.closed + pod.cancelled + pod.failed);
  }
}

TEST_CASE("lifetimes are held against the age and grace of the pod's own start line") {
  const auto lives = [](double from, double to) {
    LogAnalysis logs;
    Pod a{logs, "a"};
    a.start(0, 100'000, 10'000);  // cut at 100..120 s
    for (int i = 0; i < 40; ++i) {
      const double length = from + (to - from) * (i + 0.5) / 40;
      a.open(1, who("c", i));
      a.open(50, who("c", i));  // a later stream on the same connection, cut with it
      a.finish(1 + length, who("c", i));
      a.finish(1 + length, who("c", i));
    }
    return logs.result().lifetimes;
  };
  const Lifetimes uniform = lives(100, 120);
  CHECK(uniform.low_s == Approx(100));
  CHECK(uniform.high_s == Approx(120));
  CHECK(uniform.within == 40);
  CHECK(uniform.shorter == 40);
  CHECK(uniform.longer == 0);
  CHECK(uniform.connections == 40);
  CHECK(uniform.distance < uniform.distance_limit);
  const Lifetimes bunched = lives(100, 105);
  CHECK(bunched.distance > bunched.distance_limit);
  const Lifetimes late = lives(130, 140);
  CHECK(late.longer == 40);
  CHECK(late.connections == 0);
}

TEST_CASE("without a start line lifetimes are told but not judged") {
  LogAnalysis logs;
  Pod a{logs, "a"};
  a.open(1, who("c", 1));
  a.close(5, who("c", 1));
  const LogReport report = logs.result();
  CHECK(report.lifetimes.count == 1);
  CHECK(report.lifetimes.judged == 0);
  CHECK(holds(render_logs_console(report, {false, 80}), "no start line tells the connection age"));
}

TEST_CASE("active streams are followed per pod and in sum") {
  const LogReport report = a_day_at_work();
  REQUIRE(report.active.size() == 4);
  CHECK(report.active[0].peak == 30);
  CHECK(report.active[0].last == 13);
  CHECK(report.active[2].pod == "pod-2");
  CHECK(report.active[2].last == 0);
  CHECK(report.active[3].peak == 20);
  for (const ActiveSeries& series : report.active) CHECK(series.points.size() <= 601);
}

TEST_CASE("a log can be followed: later lines change the next result, and feeding all at once gives the same") {
  LogAnalysis followed, whole;
  Pod a{followed, "a"}, same{whole, "a"};
  a.open(1, who("c", 1));
  CHECK(followed.result().pods[0].unclosed == 1);
  a.close(4, who("c", 1));
  same.open(1, who("c", 1));
  same.close(4, who("c", 1));
  CHECK(followed.result().pods[0].unclosed == 0);
  CHECK(render_logs_json(followed.result()) == render_logs_json(whole.result()));
}

TEST_CASE("foreign lines are skipped and counted, blank ones do not count") {
  LogAnalysis logs;
  for (const char* text :
       {"", "   ", "Collecting grpcio==1.73", "\xff\xfe\x1b[31m", "Installing", "more", "and more"}) {
    logs.feed("a", text);
  }
  const LogReport report = logs.result();
  CHECK(report.lines == 5);
  CHECK(report.foreign == 5);
  CHECK(report.foreign_examples.size() == 3);
  CHECK(report.pods.empty());
  const std::string text = render_logs_console(report, {false, 80});
  CHECK(holds(text, "5 lines of no known form skipped"));
  CHECK(nlohmann::json::parse(render_logs_json(report))["foreign_lines"] == 5);
}

TEST_CASE("no line of the console is too wide or ends in a blank") {
  const LogReport reports[] = {a_day_at_work(), LogReport{}};
  for (const LogReport& report : reports) {
    for (const int width : {40, 60, 80, 120}) {
      std::istringstream in(render_logs_console(report, {false, width}));
      for (std::string line; std::getline(in, line);) {
        INFO("width " << width << ": |" << line << "|");
        CHECK(display_width(line) <= static_cast<std::size_t>(width));
        CHECK((line.empty() || line.back() != ' '));
      }
    }
  }
}
