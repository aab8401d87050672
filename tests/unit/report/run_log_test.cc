#include "lgen/run_log.h"

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "catch.h"

using namespace lgen;
using Json = nlohmann::ordered_json;

namespace {

std::vector<Json> taken(NdjsonLog& log) {
  std::istringstream in(log.take());
  std::vector<Json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  return lines;
}

Failure check_failure(double at) {
  return {.at = at, .kind = "check", .scenario = "s", .where = "fits", .code = "check", .message = "too long"};
}

}  // namespace

TEST_CASE("a line of NDJSON says what failed, and leaves out what there is not") {
  struct Row {
    std::string name;
    Failure failure;
    std::string line;
  };
  const std::vector<Row> rows = {
      {"a call",
       {1.2345678, "call", "s", "warmup", "pkg.S/M", "main[1]", "pod-1", "UNAVAILABLE", "gone", 0.25},
       R"({"type":"error","at":1.234568,"kind":"call","scenario":"s","phase":"warmup","method":"pkg.S/M",)"
       R"("channel":"main[1]",)"
       R"("backend":"pod-1","code":"UNAVAILABLE","message":"gone","duration":0.25})"},
      {"a check", check_failure(0),
       R"({"type":"error","at":0.0,"kind":"check","scenario":"s","check":"fits","code":"check","message":"too long"})"},
      {"an iteration",
       {2, "iteration", "s", "", "s", "", "", "plan", "plan.lua:3: no", std::nullopt},
       R"({"type":"error","at":2.0,"kind":"iteration","scenario":"s","code":"plan","message":"plan.lua:3: no"})"},
      {"bytes that are no text, and a line break",
       {2, "iteration", "", "", "", "", "", "plan", "a\xff\n\"b\"", std::nullopt},
       "{\"type\":\"error\",\"at\":2.0,\"kind\":\"iteration\",\"code\":\"plan\",\"message\":"
       "\"a\xEF\xBF\xBD\\n\\\"b\\\"\"}"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    NdjsonLog log(10);
    log.failure(row.failure);
    CHECK(log.take() == row.line + "\n");
    CHECK(log.size() == 0);
  }
}

TEST_CASE("errors beyond the rate are counted, second by second") {
  NdjsonLog log(2);
  for (int i = 0; i < 5; ++i) log.failure(check_failure(0.5));
  log.second({}, std::chrono::seconds(1), {}, {});
  for (int i = 0; i < 2; ++i) log.failure(check_failure(1.5));
  log.second(std::chrono::seconds(1), std::chrono::seconds(2), {}, {});
  for (int i = 0; i < 3; ++i) log.failure(check_failure(2.5));
  log.end({});
  std::vector<std::string> types;
  std::vector<std::uint64_t> left_out;
  const auto lines = taken(log);
  for (const Json& line : lines) {
    types.push_back(line["type"]);
    if (line["type"] == "left_out") left_out.push_back(line["count"]);
  }
  CHECK(types == std::vector<std::string>{"error", "error", "left_out", "second", "error", "error", "second", "error",
                                          "error", "left_out", "end"});
  CHECK(left_out == std::vector<std::uint64_t>{3, 1});
  CHECK(lines.back()["errors"] == 10);
  CHECK(lines.back()["left_out"] == 4);
}

TEST_CASE("an event tells when, and its fields keep their types") {
  NdjsonLog log(1);
  log.event({1.5, "ctl_pause", {}});
  log.event({2, "e", {{"n", 3.0}, {"on", true}, {"who", "me"}}});
  const auto lines = taken(log);
  CHECK(lines.at(0) == Json::parse(R"({"type": "event", "at": 1.5, "name": "ctl_pause", "fields": {}})"));
  CHECK(lines.at(1)["fields"] == Json::parse(R"({"n": 3, "on": true, "who": "me"})"));
}

TEST_CASE("the end tells the exit code and what has been lost") {
  NdjsonLog log(1);
  RunInfo run;
  run.exit_code = 113;
  run.outputs_lost = 2;
  run.lines_lost = 1204;
  log.end(run);
  const Json line = taken(log).at(0);
  CHECK(line["exit_code"] == 113);
  CHECK(line["outputs_lost"] == 2);
  CHECK(line["lines_lost"] == 1204);
}

TEST_CASE("a second holds what it brought, and every gauge") {
  Metrics metrics;
  const SeriesId calls = metrics.series("grpc_calls", {}), vus = metrics.series("vus", {});
  const SeriesId slow = metrics.series("grpc_call_duration_seconds", make_labels({{"backend", "a"}}));
  const SeriesId fast = metrics.series("grpc_call_duration_seconds", make_labels({{"backend", "b"}}));
  metrics.add(calls, 5);
  metrics.set(vus, 3);
  metrics.record(slow, std::chrono::milliseconds(500));
  const Snapshot before = metrics.snapshot();
  metrics.add(calls, 2);
  metrics.record(fast, std::chrono::milliseconds(10));
  metrics.record(fast, std::chrono::milliseconds(20));
  const Snapshot now = metrics.snapshot();
  NdjsonLog log(1);
  log.second(std::chrono::seconds(1), std::chrono::seconds(2), now.since(before), now);
  const Json line = taken(log).at(0);
  CHECK(line["metrics"]["grpc_calls"] == 2);
  CHECK(line["metrics"]["vus"] == 3);
  CHECK(line["metrics"]["grpc_call_duration_seconds"]["count"] == 2);
  CHECK(line["metrics"]["grpc_call_duration_seconds"]["max"].get<double>() == Approx(0.02).epsilon(0.001));
}

TEST_CASE("a line of the HDR log is one second of one series") {
  Metrics metrics;
  metrics.record(metrics.series("grpc_call_duration_seconds", make_labels({{"backend", "a b,c"}, {"name", "x"}})),
                 std::chrono::milliseconds(12));
  metrics.add(metrics.series("grpc_calls", {}));
  const std::string lines =
      hdr_log_second(std::chrono::seconds(4), std::chrono::milliseconds(5250), metrics.snapshot());
  const std::string head = "Tag=grpc_call_duration_seconds{backend=a%20b%2Cc;name=x},4.000,1.250,12.000,";
  REQUIRE(lines.substr(0, head.size()) == head);
  CHECK(lines.find('\n') == lines.size() - 1);
  const auto histogram = Histogram::decode_base64(lines.substr(head.size(), lines.size() - head.size() - 1));
  REQUIRE(histogram);
  CHECK(histogram->count() == 1);
  CHECK(hdr_log_second({}, std::chrono::seconds(1), {}).empty());
}

TEST_CASE("the HDR log begins with the lines its readers know") {
  RunInfo run;
  run.started_unix = 1441812279.474;
  const std::string header = hdr_log_header(run);
  CHECK(header.find("\n#[StartTime: 1441812279.474 (seconds since epoch), Wed Sep 09 15:24:39 UTC 2015]\n") !=
        std::string::npos);
  CHECK(header.find("\n#[Histogram log format version 1.3]\n") != std::string::npos);
}
