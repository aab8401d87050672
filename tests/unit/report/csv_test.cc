#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"
#include "golden.h"
#include "lgen/report.h"
#include "sample_summary.h"

using namespace lgen;
using namespace lgen::test;

namespace {

using Row = std::vector<std::string>;

/// RFC 4180 by the letter; fails on anything else.
std::vector<Row> read_csv(std::string_view text) {
  std::vector<Row> rows(1, Row(1));
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    std::string& cell = rows.back().back();
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      cell += text[++i];
    } else if (c == '"') {
      REQUIRE((quoted || cell.empty()));
      quoted = !quoted;
    } else if (quoted) {
      cell += c;
    } else if (c == ',') {
      rows.back().emplace_back();
    } else if (c == '\r') {
      REQUIRE((i + 1 < text.size() && text[i + 1] == '\n'));
      rows.emplace_back(1);
      ++i;
    } else {
      REQUIRE(c != '\n');
      cell += c;
    }
  }
  REQUIRE(!quoted);
  REQUIRE(rows.back() == Row{""});
  rows.pop_back();
  return rows;
}

std::string cell(const std::vector<Row>& rows, const Row& row, std::string_view column) {
  const auto at = std::find(rows[0].begin(), rows[0].end(), column);
  REQUIRE(at != rows[0].end());
  return row[static_cast<std::size_t>(at - rows[0].begin())];
}

}  // namespace

TEST_CASE("the CSV is what the golden files show") {
  check_golden("report/summary_good.csv", render_csv(good_summary()));
  check_golden("report/summary_bad.csv", render_csv(bad_summary()));
}

TEST_CASE("every row of the CSV has every column, and there is one for each series") {
  const Summary summary = bad_summary();
  const auto rows = read_csv(render_csv(summary));
  std::size_t series = 0;
  for (const MetricSnapshot& metric : summary.metrics.metrics) series += metric.series.size();
  std::size_t found = 0;
  for (const Row& row : rows) {
    CHECK(row.size() == rows[0].size());
    if (cell(rows, row, "scope") == "series") ++found;
  }
  CHECK(found == series);
}

TEST_CASE("a total leaves warm-up out, and rates are over the time outside it") {
  Metrics metrics;
  metrics.add(metrics.series("grpc_calls", make_labels({{"phase", "warmup"}, {"scenario", "s"}})), 900);
  metrics.add(metrics.series("grpc_calls", make_labels({{"phase", "main"}, {"scenario", "s"}})), 100);
  Summary summary;
  summary.run.duration = 30;
  summary.scenarios = {sample_scenario(1)};
  summary.scenarios[0].name = "s";
  summary.scenarios[0].warmup = std::chrono::seconds(10);
  summary.metrics = metrics.snapshot();
  const auto rows = read_csv(render_csv(summary));
  const auto row_of = [&](std::string_view scope, std::string_view phase) {
    return *std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
      return cell(rows, row, "metric") == "grpc_calls" && cell(rows, row, "scope") == scope &&
             cell(rows, row, "label_phase") == phase;
    });
  };
  CHECK(cell(rows, row_of("total", ""), "value") == "100");
  CHECK(cell(rows, row_of("total", ""), "rate") == "5");
  CHECK(cell(rows, row_of("series", "main"), "rate") == "5");
  CHECK(cell(rows, row_of("series", "warmup"), "rate").empty());
  CHECK(cell(rows, row_of("series", "warmup"), "value") == "900");
}

TEST_CASE("texts from outside are quoted, and none is a formula") {
  struct Case {
    std::string backend, cell;
  };
  const std::vector<Case> cases = {
      {"pod-1", "pod-1"},
      {"a,b", "a,b"},
      {"say \"x\"", "say \"x\""},
      {"two\r\nlines", "two\r\nlines"},
      {"=1+1", "'=1+1"},
      {"+1", "'+1"},
      {"-1", "'-1"},
      {"@SUM(A1)", "'@SUM(A1)"},
      {"\t=1+1", "'\t=1+1"},
      {"=\"a,b\"", "'=\"a,b\""},
  };
  for (const Case& one : cases) {
    INFO(one.backend);
    Metrics metrics;
    metrics.add(metrics.series("grpc_calls", make_labels({{"backend", one.backend}})));
    Summary summary;
    summary.metrics = metrics.snapshot();
    const auto rows = read_csv(render_csv(summary));
    const auto at = std::find_if(rows.begin(), rows.end(),
                                 [&](const Row& row) { return cell(rows, row, "label_backend") == one.cell; });
    CHECK(at != rows.end());
  }
}

TEST_CASE("what is no number is an empty cell; nothing measured is a header alone") {
  Metrics metrics;
  const auto odd = metrics.define({"odd", MetricType::gauge, "", "", {}});
  metrics.set(metrics.series(odd.value(), {}), -1.5);
  metrics.set(metrics.series(odd.value(), {}), std::numeric_limits<double>::infinity());
  Summary summary;
  summary.metrics = metrics.snapshot();
  const auto rows = read_csv(render_csv(summary));
  REQUIRE(rows.size() == 3);
  CHECK(cell(rows, rows[1], "value").empty());
  CHECK(cell(rows, rows[1], "min") == "-1.5");
  CHECK(read_csv(render_csv(Summary{})).size() == 1);
}
