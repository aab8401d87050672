#include <regex>

#include "catch.h"
#include "lgen/report.h"
#include "page_data.h"
#include "sample_summary.h"

using namespace lgen;
using namespace lgen::test;
using html::Json;

namespace {

constexpr std::size_t kMegabyte = 1'000'000;

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// What stands between the first `from` and the next `to`.
std::string between(const std::string& text, std::string_view from, std::string_view to) {
  const std::size_t start = text.find(from);
  REQUIRE(start != std::string::npos);
  const std::size_t end = text.find(to, start + from.size());
  return text.substr(start + from.size(), end - start - from.size());
}

Json data_of(const std::string& page) {
  return Json::parse(between(page, "<script type=\"application/json\" id=\"data\">", "</script>"));
}

/// The page without what Chart.js brings along.
std::string without_library(std::string page) {
  const std::size_t start = page.find("/*!\n * Chart.js");
  REQUIRE(start != std::string::npos);
  return page.erase(start, page.find("</script>", start) - start);
}

Json figure(const Json& data, std::string_view id) {
  for (const Json& tile : data["figures"]) {
    if (tile["id"] == id) return tile;
  }
  FAIL("no figure " << id);
  return data;
}

/// Names that try to leave the place they are put into.
constexpr const char* kHostile =
    "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>--> ' \" ` ${x} {{data}} & \xe2\x80\xa8 \\";

Summary hostile_summary() {
  Summary summary = bad_summary();
  summary.run.plan = summary.run.plan_name = summary.run.about = summary.run.target = kHostile;
  summary.run.options.emplace_back(kHostile, std::string(kHostile));
  summary.run.notes = {kHostile};
  summary.scenarios[0].name = kHostile;
  summary.checks.push_back({kHostile, 1, 1, kHostile});
  summary.errors.push_back({kHostile, kHostile, kHostile, kHostile, 1, 1, 1});
  summary.events.push_back({1, kHostile, {{kHostile, std::string(kHostile)}}});
  summary.channels.push_back({kHostile, "", kHostile, 1, 1, kHostile, "own"});
  Distribution distribution(kHostile);
  for (int i = 0; i < 10; ++i) distribution.add(kHostile, kHostile);
  summary.distributions.push_back(judged(distribution));
  return summary;
}

TimelineSeries busy_series(const char* metric, const Labels& labels) {
  TimelineSeries series{metric, labels, {}};
  for (std::size_t i = 0; i < 3600; ++i) {
    TimelinePoint point{1000, 1234.567 + static_cast<double>(i % 97), 0.000123, 1.23456, {}};
    std::vector<PackedBuckets::Bucket> buckets;
    for (std::int64_t b = 0; b < 40; ++b) buckets.emplace_back(100 << (b / 3), 25 + (i + 7 * b) % 13);
    point.buckets = PackedBuckets(buckets);
    series.points.push_back(std::move(point));
  }
  return series;
}

/// More of everything than a page should hold: 3,600 points, 65 backends, 400 channels, thousands of errors.
Summary huge_summary() {
  Summary summary = bad_summary();
  summary.distributions = {placed(400, 200, [](std::size_t c, std::size_t s) {
    return "shop-frontend-7d9c8b6f5-" + std::to_string((c * 31 + s * 17) % 70);
  })};
  std::vector<TimelineSeries>& series = summary.timelines.series;
  series.clear();
  for (const char* metric : {"grpc_call_duration_seconds", "grpc_message_rtt_seconds"}) {
    series.push_back(busy_series(metric, {}));
  }
  for (int i = 0; i < 65; ++i) {
    const std::string backend = "shop-frontend-7d9c8b6f5-" + std::to_string(i);
    series.push_back(busy_series("grpc_stream_open_seconds", make_labels({{"backend", backend}})));
    series.push_back(busy_series("grpc_calls", make_labels({{"code", "CODE_" + std::to_string(i)}})));
    series.push_back(busy_series("vus", make_labels({{"scenario", backend}})));
  }
  for (int i = 0; i < 3000; ++i) {
    std::string text = std::to_string(i);
    while (text.size() < 2000) text += " <b>failed</b> to connect & gave up;";
    summary.errors.push_back({"UNAVAILABLE", text, "plan.lua:1", "pod", 1, 0.5, 1});
    summary.events.push_back({0.01 * i, "event", {{"text", text}}});
    summary.channels.push_back({"main[" + std::to_string(i) + "]", "main", "dns:///a", 1, 0, text, "own"});
    summary.checks.push_back({text, 1, 1, text});
    summary.printed.push_back(text);
  }
  return summary;
}

}  // namespace

TEST_CASE("a page is one file below 1 MB, whatever the run") {
  CHECK(render_html(Summary{}).size() < kMegabyte / 2);
  CHECK(render_html(bad_summary()).size() < kMegabyte / 2);
  const std::string huge = render_html(huge_summary());
  CHECK(huge.size() < kMegabyte);
  const Json data = data_of(huge);
  for (const Json& chart : data["time"]["charts"]) {
    INFO(chart["id"]);
    for (const Json& line : chart["lines"]) CHECK(line["values"].size() <= 600);
  }
}

TEST_CASE("a page asks nothing of any network") {
  const std::string page = without_library(render_html(bad_summary()));
  CHECK(count_of(page, "Content-Security-Policy\" content=\"default-src 'none'") == 1);
  for (const char* word :
       {"https://", "src=", "@import", "url(", "fetch(", "XMLHttpRequest", "sendBeacon", "import("}) {
    INFO(word);
    CHECK(count_of(page, word) == 0);
  }
  // A namespace is a name.
  CHECK(count_of(page, "http://") == count_of(page, "\"http://www.w3.org/2000/svg\""));
  CHECK(count_of(page, "<link") == 1);
  CHECK(count_of(page, "<link rel=\"icon\" href=\"data:,\">") == 1);
}

TEST_CASE("names of the run never become markup") {
  const Summary summary = hostile_summary();
  const std::string page = render_html(summary);
  const std::string harmless = render_html(bad_summary());
  for (const char* tag : {"<script", "</script", "<!--", "<img", "<title", "</title", "<pre", "</pre"}) {
    INFO(tag);
    CHECK(count_of(page, tag) == count_of(harmless, tag));
  }
  const std::string data = between(page, "id=\"data\">", "</script>");
  CHECK(data.find_first_of("<>&") == std::string::npos);
  const Json json = Json::parse(data);
  CHECK(json["run"]["name"] == kHostile);
  CHECK(json["scenarios"][0]["name"] == kHostile);
  CHECK(json["spread"][1]["matrix"]["row_names"][0] == kHostile);
  CHECK(page.find("<title>&lt;/script&gt;&lt;script&gt;alert(1)") != std::string::npos);
}

TEST_CASE("what is no UTF-8 does not get into a page") {
  Summary summary = bad_summary();
  summary.run.plan_name = summary.errors[0].message = "caf\xe9 \xff";
  const std::string page = render_html(summary);
  CHECK(page.find('\xff') == std::string::npos);
  CHECK(data_of(page)["errors"]["rows"][0]["message"] == "caf\xef\xbf\xbd \xef\xbf\xbd");
}

TEST_CASE("the figures are those of the summary") {
  const Summary summary = bad_summary();
  const Json data = data_of(render_html(summary));
  const SeriesSnapshot calls = aggregate(*summary.metrics.find("grpc_call_duration_seconds"), {});
  CHECK(figure(data, "calls")["value"] == 1207);
  CHECK(figure(data, "p99")["value"] == static_cast<double>(calls.histogram->percentile(99)) / 1e6);
  CHECK(figure(data, "errors")["value"] == 13);
  CHECK(figure(data, "streams")["value"] == 44);
  CHECK(figure(data, "messages_sent")["value"] == 10500);
  CHECK(figure(data, "connections")["value"] == 4);
  CHECK(data["outcome"]["words"] == "exit code 99: 2 thresholds and 1 check failed");
  CHECK(data["outcome"]["validity"] == "invalid");
  CHECK(data["outcome"]["verdicts"][0]["words"] == "connections are spread over pod-1, pod-2 and pod-3");
  CHECK(data["spread"][0]["matrix"]["counts"] == Json::parse("[[10,0,0],[0,10,0],[0,0,10]]"));
  CHECK(data["latency"]["groups"][0]["rows"][0]["count"] == 1207);
}

namespace {

/// Two pods of each target, of which one has served a method.
Summary scraped_summary(const std::vector<std::string>& targets) {
  Metrics metrics;
  MetricSpec calls{.name = "calls_total", .type = MetricType::counter, .labels = {"method", "pod", "target"}};
  MetricSpec memory{.name = "memory_bytes", .type = MetricType::gauge, .labels = {"pod", "target"}};
  for (MetricSpec* spec : {&calls, &memory}) spec->scraped = spec->type_told = true;
  const auto calls_id = metrics.define(calls), memory_id = metrics.define(memory);
  REQUIRE((calls_id && memory_id));
  for (const std::string& target : targets) {
    for (const char* pod : {"a", "b"}) {
      metrics.add(metrics.series(*calls_id, {{"method", "used"}, {"pod", pod}, {"target", target}}), 3);
      metrics.add(metrics.series(*calls_id, {{"method", "idle"}, {"pod", pod}, {"target", target}}), 0);
      metrics.set(metrics.series(*memory_id, {{"pod", pod}, {"target", target}}), 4'000'000);
    }
  }
  Summary summary;
  summary.metrics = metrics.snapshot();
  return summary;
}

}  // namespace

TEST_CASE("round trips stand for a run of streams, unless they are few") {
  const auto detail_with = [](int round_trips) {
    Metrics metrics;
    record_streams(metrics);  // opens 30
    for (int i = 0; i < round_trips; ++i) metrics.record(metrics.series("grpc_message_rtt_seconds", {}), 0.05);
    Summary summary;
    summary.metrics = metrics.snapshot();
    return figure({{"figures", html::figures_part(summary)}}, "p50")["detail"];
  };
  CHECK(detail_with(0) == "to open a stream");
  CHECK(detail_with(2) == "to open a stream");
  CHECK(detail_with(3) == "round trip");
}

TEST_CASE("what was scraped shows what rose, in its unit, and its target only where there are several") {
  const Json one = html::metrics_part(scraped_summary({"pods"}));
  REQUIRE(one.size() == 2);
  const Json &calls = one[0], &memory = one[1];
  CHECK(calls["series"].dump() ==
        R"([{"labels":"method=used, pod=a","value":3},{"labels":"method=used, pod=b","value":3}])");
  CHECK(calls["series_all"] == 4);
  CHECK(calls["resting"] == 2);
  CHECK(memory["unit"] == "B");
  CHECK(memory["series"][0]["labels"] == "pod=a");
  const Json two = html::metrics_part(scraped_summary({"pods", "proxies"}));
  CHECK(two[1]["series"][0]["labels"] == "pod=a, target=pods");
}

TEST_CASE("a percentile spectrum rises and ends at the slowest sample") {
  const Summary summary = bad_summary();
  const Json part = html::latency_part(summary);
  REQUIRE(part["spectra"]["lines"].size() >= 2);
  for (const Json& line : part["spectra"]["lines"]) {
    INFO(line["name"]);
    const Json& points = line["points"];
    for (std::size_t i = 1; i < points.size(); ++i) {
      CHECK(points[i][0].get<double>() > points[i - 1][0].get<double>());
      CHECK(points[i][1].get<double>() >= points[i - 1][1].get<double>());
    }
  }
  CHECK(part["spectra"]["lines"][0]["points"].back()[0] == 1207);
}

TEST_CASE("a matrix beyond the limits is added up, not cut off") {
  const Summary summary = huge_summary();
  const Json matrix = html::spread_part(summary)[0]["matrix"];
  CHECK(matrix["row_names"].size() == 201);
  CHECK(matrix["row_names"].back() == "200 more channels");
  std::uint64_t total = 0;
  for (const Json& row : matrix["counts"]) {
    REQUIRE(row.size() == matrix["col_names"].size());
    for (const Json& n : row) total += n.get<std::uint64_t>();
  }
  CHECK(total == 400 * 200);
  CHECK(matrix["total"] == total);
}

TEST_CASE("a page is a pure function of its summary, and keeps the licence of what it embeds") {
  const std::string page = render_html(bad_summary());
  CHECK(page == render_html(bad_summary()));
  CHECK(page.find("* Chart.js v3.9.1") != std::string::npos);
  CHECK(page.find("Chart.js Contributors") != std::string::npos);
  CHECK(page.find("Permission is hereby granted, free of charge") != std::string::npos);
}

TEST_CASE("without scripts the page is the console's report") {
  const std::string page = render_html(good_summary());
  const std::string text = between(page, "<noscript>", "</noscript>");
  CHECK(text.find("connections are spread over pod-1, pod-2 and pod-3") != std::string::npos);
}
