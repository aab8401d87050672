#include <limits>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "golden.h"
#include "lgen/json_problem.h"
#include "lgen/report.h"
#include "sample_summary.h"

using namespace lgen;
using namespace lgen::test;
using Json = nlohmann::ordered_json;

namespace {

Summary parsed(const std::string& text) {
  auto summary = parse_json_summary(text);
  if (!summary) FAIL(summary.error().message);
  return std::move(summary).value();
}

std::string problem_of(const Json& document) {
  const auto summary = parse_json_summary(document.dump());
  return summary ? std::string("none") : summary.error().message;
}

}  // namespace

TEST_CASE("the JSON summary is what the golden files show") {
  check_golden("report/summary_good.json", render_json(good_summary()));
  check_golden("report/summary_bad.json", render_json(bad_summary()));
}

TEST_CASE("a JSON summary reads back exactly") {
  for (const Summary& summary : {good_summary(), bad_summary(), Summary{}}) {
    const std::string text = render_json(summary);
    CHECK(render_json(parsed(text)) == text);
  }
}

TEST_CASE("a report made from the JSON is the report of the run") {
  for (const Summary& summary : {good_summary(), bad_summary()}) {
    CHECK(render_console(parsed(render_json(summary)), {false, 80}) == render_console(summary, {false, 80}));
  }
}

TEST_CASE("gauges, rates and odd values read back too") {
  Metrics metrics;
  metrics.set(metrics.series("vus", make_labels({{"scenario", "a"}})), 3);
  metrics.set(metrics.series("vus", make_labels({{"scenario", "a"}})), 1);
  metrics.hit(metrics.series("checks", make_labels({{"name", "x"}})), true);
  metrics.hit(metrics.series("checks", make_labels({{"name", "x"}})), false);
  metrics.record(metrics.series("iteration_duration_seconds", {}), 0.1 + 0.2);
  const auto odd = metrics.define({"odd", MetricType::gauge, "", "", {}});
  metrics.set(metrics.series(odd.value(), {}), std::numeric_limits<double>::infinity());
  Summary summary;
  summary.metrics = metrics.snapshot();
  summary.run.seed = std::numeric_limits<std::uint64_t>::max();
  summary.errors = {{"UNKNOWN", "bytes \xff\xfe", "", "", 1, 0, 0}};
  const std::string text = render_json(summary);
  const Summary back = parsed(text);
  CHECK(render_json(back) == text);
  CHECK(back.run.seed == summary.run.seed);
  const SeriesSnapshot& vus = back.metrics.find("vus")->series.at(0);
  CHECK(vus.value == 1);
  CHECK(vus.max == 3);
  CHECK(back.metrics.find("checks")->series.at(0).hits == 1);
  CHECK(back.metrics.find("checks")->series.at(0).value == 0.5);
}

TEST_CASE("a summary written before a key existed can be read") {
  Json document = Json::parse(render_json(bad_summary()));
  for (const char* key : {"first_calls"}) REQUIRE(document.erase(key) == 1);
  for (const char* key : {"over", "after", "windows", "windows_failed", "worst_at", "aborted"}) {
    for (Json& threshold : document["thresholds"]) REQUIRE(threshold.erase(key) == 1);
  }
  CHECK(problem_of(document) == "none");
}

TEST_CASE("keys stand in the documented order, options in the order given") {
  const Json document = Json::parse(render_json(good_summary()));
  std::vector<std::string> keys, options;
  for (const auto& [key, value] : document.items()) keys.push_back(key);
  for (const auto& [key, value] : document["run"]["options"].items()) options.push_back(key);
  CHECK(keys == std::vector<std::string>{"schema", "run", "validity", "thresholds", "checks", "distributions",
                                         "scenarios", "metrics", "channels", "connections", "first_calls", "errors",
                                         "errors_dropped", "events", "events_dropped", "printed", "conservation",
                                         "timelines"});
  CHECK(options == std::vector<std::string>{"target", "channels", "streams", "hold"});
}

TEST_CASE("options and the fields of events keep their types") {
  Summary summary;
  summary.run.options = {{"n", 3.0}, {"on", true}, {"id", "007"}};
  summary.events = {{1, "e", {{"stream", 12.0}, {"half", 0.5}, {"ok", false}, {"backend", "pod-1"}}}};
  const std::string text = render_json(summary);
  const Json document = Json::parse(text);
  CHECK(document["run"]["options"] == Json::parse(R"({"n": 3, "on": true, "id": "007"})"));
  CHECK(document["events"][0]["fields"] ==
        Json::parse(R"({"stream": 12, "half": 0.5, "ok": false, "backend": "pod-1"})"));
  CHECK(parsed(text).run.options == summary.run.options);
  CHECK(render_console(summary, {false, 80}).find("stream=12 half=0.5 ok=false backend=pod-1") != std::string::npos);
}

TEST_CASE("percentiles stand beside the base64, and the total adds up the series") {
  const Json document = Json::parse(render_json(good_summary()));
  const Json& metric = document["metrics"]["grpc_stream_duration_seconds"];
  CHECK(metric["total"]["count"] == 30);
  CHECK(metric["total"]["max"] == 30.29);
  CHECK(metric["series"].size() == 3);
  for (const char* key : {"count", "min", "avg", "med", "p90", "p95", "p99", "max", "sum", "hdr"}) {
    CHECK(metric["series"][0].contains(key));
  }
}

TEST_CASE("what is missing or wrong is named by its path") {
  const Json good = Json::parse(render_json(good_summary()));
  const auto problem = [&](const char* pointer, const Json& value) {
    Json document = good;
    document[Json::json_pointer(pointer)] = value;
    return problem_of(document);
  };
  Json no_seed = good;
  no_seed["run"].erase("seed");
  CHECK(problem_of(no_seed) == "not a summary of lgen: run.seed: missing");
  Json no_hdr = good;
  no_hdr["metrics"]["grpc_stream_duration_seconds"]["series"][1].erase("hdr");
  CHECK(problem_of(no_hdr) == "not a summary of lgen: metrics.grpc_stream_duration_seconds.series[1].hdr: missing");
  CHECK(problem("/run/seed", "many") ==
        "not a summary of lgen: run.seed: expected a whole number from 0, found string");
  CHECK(problem("/checks/0/passes", -1) ==
        "not a summary of lgen: checks[0].passes: expected a whole number from 0, found number");
  CHECK(problem("/validity/verdict", "fine") == "not a summary of lgen: validity.verdict: unknown word 'fine'");
  CHECK(problem("/distributions/0/table/counts/2", Json::array({1})) ==
        "not a summary of lgen: distributions: the counts of 'streams by connection' do not fit its names");
  CHECK(problem("/schema", "k6/1") == "not a summary of lgen: schema: expected 'lgen.summary/1', found 'k6/1'");
  CHECK(problem("/timelines/series/0/points/1", Json::array({1, 2})).find("timelines.series[0].points[1]: expected") !=
        std::string::npos);
  CHECK(problem("/metrics/grpc_stream_duration_seconds/series/0/hdr", "AAAA").find("series[0]: HDR histogram") !=
        std::string::npos);
}

TEST_CASE("what is no JSON is said to be none") {
  CHECK(parse_json_summary("").error().message ==
        "not a summary of lgen: line 1, column 1: expected a value, found the end");
  CHECK(parse_json_summary("{\"schema\": ").error().code == ErrorCode::protocol);
  CHECK(parse_json_summary("[]").error().message.find("the document: expected an object") != std::string::npos);
}

TEST_CASE("what keeps a text from being JSON is told in our words, with its place") {
  struct Row {
    const char* text;
    std::size_t line, column;
    const char* words;
  };
  for (const Row& row :
       {Row{"", 1, 1, "expected a value, found the end"},
        {"{\n  \"a\": 1\n  \"b\": 2\n}", 3, 5, "expected ',' or '}', found string literal"},
        {"{\"a\" 1}", 1, 6, "expected ':' behind the name, found number literal"},
        {"{a: 1}", 1, 2, "expected a name in double quotes, or '}', found '{a', which is no word of JSON"},
        {"{\"a\": 1,}", 1, 9, "expected a name in double quotes, or '}', found '}'"},
        {"[1 2]", 1, 4, "expected ',' or ']', found number literal"},
        {"[1,", 1, 4, "expected a value, found the end"},
        {"[\"x", 1, 4, "expected a value, found an invalid string: missing closing quote"},
        {"nul", 1, 4, "expected a value, found 'nul', which is no word of JSON"},
        {"[1e999]", 1, 1, "expected a number that a computer can hold"},
        {"{} {}", 1, 4, "expected the end, found '{'"}}) {
    INFO(row.text);
    const auto problem = json_problem(row.text);
    REQUIRE(problem);
    CHECK(problem->line == row.line);
    CHECK(problem->column == row.column);
    CHECK(problem->words == row.words);
  }
  CHECK(!json_problem("{\"a\": [1, 2, null, \"x\", true]}"));
}

TEST_CASE("a summary without anything is a document, too") {
  const Summary nothing;
  CHECK(render_json(parsed(render_json(nothing))) == render_json(nothing));
  CHECK(Json::parse(render_json(nothing))["metrics"] == Json::object());
  CHECK(Json::parse(render_json(nothing))["timelines"]["series"] == Json::array());
}

TEST_CASE("a file of an earlier version is read, whatever has been added since") {
  Json document = Json::parse(render_json(bad_summary()));
  document.erase("first_calls");
  document["metrics"]["upload_bytes"].erase("scraped");
  for (const char* key : {"over", "after", "windows", "windows_failed", "worst_at", "aborted"}) {
    for (Json& threshold : document["thresholds"]) threshold.erase(key);
  }
  for (const char* key : {"dropped_with_free_vu", "scheduled"}) document["scenarios"][0].erase(key);
  CHECK(problem_of(document) == "none");
}
