#include "lgen/exposition.h"

#include <cmath>
#include <string>

#include "catch.h"

namespace lgen {
namespace {

std::shared_ptr<const MetricsPage> page_of(std::string text) {
  auto page = MetricsPage::parse(std::move(text));
  INFO((page ? "" : page.error().message));
  REQUIRE(page);
  return *page;
}

std::string error_of(std::string text, const ExpositionLimits& limits = {}) {
  const auto page = MetricsPage::parse(std::move(text), limits);
  return page ? "" : page.error().message;
}

const PageSample& only(const MetricsPage& page) {
  REQUIRE(page.samples().size() == 1);
  return page.samples()[0];
}

TEST_CASE("a page of every family is read as it stands") {
  const auto page = page_of(
      "# HELP http_requests_total The total number.\n"
      "# TYPE http_requests_total counter\n"
      "http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n"
      "http_requests_total{method=\"post\",code=\"400\"}    3\n"
      "\n"
      "# a comment, and then a gauge without a word about it\n"
      "metric_without_timestamp_and_labels 12.47\n"
      "# TYPE http_seconds histogram\n"
      "http_seconds_bucket{le=\"0.05\"} 24054\n"
      "http_seconds_bucket{le=\"+Inf\"} 144320\n"
      "http_seconds_sum 53423\n"
      "http_seconds_count 144320\n"
      "# TYPE rpc_seconds summary\n"
      "rpc_seconds{quantile=\"0.5\"} 4773\n"
      "rpc_seconds_sum 1.7560473e+07\n"
      "rpc_seconds_count 2693\n");
  REQUIRE(page->samples().size() == 10);
  const PageSample& first = page->samples()[0];
  CHECK(first.name == "http_requests_total");
  CHECK(first.label("code") == "200");
  CHECK(first.label("none") == "");
  CHECK(first.value == 1027);
  CHECK(first.timestamp_ms == 1395066363000);
  CHECK(first.type == FamilyType::counter);
  CHECK(first.rises());
  CHECK(page->families()[0].help == "The total number.");
  struct Row {
    std::size_t index;
    FamilyType type;
    bool rises;
  };
  for (const Row& row :
       {Row{2, FamilyType::untyped, false}, Row{3, FamilyType::histogram, true}, Row{5, FamilyType::histogram, true},
        Row{7, FamilyType::summary, false}, Row{9, FamilyType::summary, true}}) {
    INFO(page->samples()[row.index].name << " " << row.index);
    CHECK(page->samples()[row.index].type == row.type);
    CHECK(page->samples()[row.index].rises() == row.rises);
  }
}

TEST_CASE("an empty page, blanks and comments are a page without samples") {
  for (const char* text : {"", "\n\n", " \t \n", "# EOF\n", "#\n", "# HELP\tx\n", "#HELP x y\n"}) {
    INFO(text);
    CHECK(page_of(text)->samples().empty());
  }
}

TEST_CASE("values are what Go reads, and nothing else") {
  struct Row {
    const char* text;
    double value;
  };
  for (const Row& row : {Row{"1", 1}, Row{"-1.5e3", -1500}, Row{"+2", 2}, Row{"+Inf", INFINITY}, Row{"-Inf", -INFINITY},
                         Row{"inf", INFINITY}, Row{"1e400", INFINITY}, Row{"-1e400", -INFINITY}, Row{"1e-400", 0},
                         Row{".5", 0.5}, Row{"5.", 5}}) {
    INFO(row.text);
    CHECK(only(*page_of(std::string("x ") + row.text + "\n")).value == row.value);
  }
  CHECK(std::isnan(only(*page_of("x NaN\n")).value));
  CHECK(std::isnan(only(*page_of("x{quantile=\"0.9\"} nan\n")).value));
  for (const char* text : {"1_000", "0x", "1e", "--1", "+-1", "1,5", "nan(1)", "one", "1.2.3"}) {
    INFO(text);
    CHECK(error_of(std::string("x ") + text + "\n") == "line 1, column 3: '" + std::string(text) + "' is no number");
  }
}

TEST_CASE("labels may have escapes, blanks, any UTF-8 and a comma at the end") {
  const auto page = page_of("x { a = \"C:\\\\DIR\\n\\\"q\\\"\" ,\tb=\"\", c=\"\xf0\x9f\x90\x99}{\", } 1\n");
  const PageSample& sample = only(*page);
  CHECK(sample.label("a") == "C:\\DIR\n\"q\"");
  CHECK(sample.label("b") == "");
  CHECK(sample.label("c") == "\xf0\x9f\x90\x99}{");
  CHECK(only(*page_of("x{} 1\n")).labels.empty());
  CHECK(only(*page_of("a:b:c 1\n")).name == "a:b:c");
  CHECK(page_of("# HELP x two\\nlines \\\\ \"quoted\"\n")->families()[0].help == "two\nlines \\ \"quoted\"");
}

TEST_CASE("what is wrong is told with its line and column") {
  struct Row {
    const char* text;
    const char* error;
  };
  for (const Row& row : {
           Row{"x 1\ny 2",
               "line 2, column 4: the page ends in the middle of a line; it was cut off, or its last line "
               "feed is missing"},
           Row{"<!DOCTYPE html>\n<html>",
               "line 1, column 1: this is HTML or XML, not Prometheus' text format; is the "
               "path right?"},
           Row{"\n {\"a\":1}\n", "line 1, column 1: this is JSON, not Prometheus' text format; is the path right?"},
           Row{"\x1f\x8b\x08",
               "line 1, column 1: this is packed by gzip, not Prometheus' text format; is the path "
               "right?"},
           Row{"9x 1\n", "line 1, column 1: expected a metric's name, got '9x 1'"},
           Row{"x\n", "line 1, column 2: expected a value of x, got the end of the line"},
           Row{"x 1\r\n",
               "line 1, column 4: expected the end of the line, got a carriage return; lines end with \\n "
               "alone"},
           Row{"x 1 2 3\n", "line 1, column 7: expected the end of the line, got '3'"},
           Row{"x 1 2.5\n", "line 1, column 5: '2.5' is no time stamp; whole milliseconds expected"},
           Row{"x 1 # {a=\"b\"} 1\n",
               "line 1, column 5: an exemplar, which is OpenMetrics'; text format 0.0.4 was "
               "asked for"},
           Row{"x{a} 1\n", "line 1, column 4: expected '=' after label a, got '} 1'"},
           Row{"x{a=b} 1\n", "line 1, column 5: expected '\"' at the value of label a, got 'b} 1'"},
           Row{"x{a=\"b} 1\n", "line 1, column 10: expected '\"' at the end of label a, got the end of the line"},
           Row{"x{a=\"b\" c=\"d\"} 1\n", "line 1, column 9: expected ',' or '}' after a label, got 'c=\"d\"} 1'"},
           Row{"x{a=\"b\"\n", "line 1, column 8: expected ',' or '}' after a label, got the end of the line"},
           Row{"x{,} 1\n", "line 1, column 3: expected a label's name or '}', got ',} 1'"},
           Row{"x{a=\"1\",a=\"2\"} 1\n", "line 1, column 9: label a is given twice"},
           Row{"x{a=\"\\t\"} 1\n", "line 1, column 6: a backslash that escapes nothing"},
           Row{"x{a=\"\xc3(\"} 1\n", "line 1, column 6: a byte that is not UTF-8"},
           Row{"x{a=\"\xed\xa0\x80\"} 1\n", "line 1, column 6: a byte that is not UTF-8"},
           Row{"# HELP x \\q\n", "line 1, column 10: a backslash that escapes nothing"},
           Row{"# TYPE x conter\n", "line 1, column 10: no type 'conter' (did you mean 'counter'?)"},
           Row{"# TYPE x stateset\n",
               "line 1, column 10: no type 'stateset' (there is counter, gauge, histogram, summary, untyped)"},
           Row{"# TYPE x gauge\n# TYPE x gauge\n", "line 2, column 10: the type of x was told in line 1 already"},
           Row{"x 1\n# TYPE x gauge\n", "line 2, column 10: the type of x comes after its first sample in line 1"},
           Row{"x_sum 1\n# TYPE x summary\n",
               "line 2, column 10: the type of x comes after its first sample in line 1"},
           Row{"# TYPE x histogram\nx 1\n",
               "line 2, column 1: x is a histogram: it has _bucket, _sum and _count, and "
               "no value of its own"},
           Row{"# TYPE x histogram\nx_bucket 1\n", "line 2, column 1: a bucket of a histogram without the label le"},
           Row{"# TYPE x histogram\nx_bucket{le=\"big\"} 1\n", "line 2, column 1: label le=\"big\" is no number"},
           Row{"# TYPE x summary\nx 1\n", "line 2, column 1: a value of a summary without the label quantile"},
           Row{"x{a=\"1\",b=\"2\"} 1\ny 1\nx{b=\"2\",a=\"1\"} 2\n",
               "line 3, column 1: x is there twice with the same labels; the first is in line 1"},
       }) {
    INFO(row.text);
    CHECK(error_of(row.text) == row.error);
  }
}

TEST_CASE("limits hold against pages without end") {
  CHECK(error_of("a 1\nb 2\nc 3\n", {.samples = 2}) == "line 3, column 1: more than 2 samples; ask for a smaller page");
  CHECK(error_of("a{x=\"1\",y=\"2\"} 1\n", {.labels = 1}) == "line 1, column 9: more than 1 labels");
  CHECK(error_of("a{x=\"1\"} 1\nb{y=\"2\"} 1\n", {.labels = 1}) == "");
}

TEST_CASE("a page that was cut off anywhere is refused, or is whole to its last line") {
  const std::string text = "# TYPE x counter\nx{a=\"1\\n\"} 1 5\nx{a=\"2\"} 2\n";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const bool at_line_end = size == 0 || text[size - 1] == '\n';
    INFO(size);
    CHECK(error_of(text.substr(0, size)).empty() == at_line_end);
  }
}

}  // namespace
}  // namespace lgen
