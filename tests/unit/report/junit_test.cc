#include <algorithm>
#include <string>
#include <string_view>

#include "catch.h"
#include "golden.h"
#include "lgen/report.h"
#include "sample_summary.h"

using namespace lgen;
using namespace lgen::test;

namespace {

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++n;
  return n;
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

TEST_CASE("the JUnit file is what the golden files show") {
  check_golden("report/summary_good.xml", render_junit(good_summary()));
  check_golden("report/summary_bad.xml", render_junit(bad_summary()));
}

TEST_CASE("a verdict's test case keeps its name whatever the verdict is") {
  Summary summary = good_summary();
  summary.distributions[0].verdict.kind = VerdictKind::inconclusive;
  CHECK(render_junit(summary).find("distributions\" name=\"streams by connection\"") != std::string::npos);
  summary.distributions[0].verdict.kind = VerdictKind::per_stream;
  CHECK(render_junit(summary).find("distributions\" name=\"streams by connection\"") != std::string::npos);
}

TEST_CASE("a threshold that passed tells what it has not judged") {
  Summary summary = good_summary();
  summary.thresholds[0].why = "judged 1 of 2 pods: no page of pod-2 was ever read";
  const std::string xml = render_junit(summary);
  CHECK(has(xml, "<system-out>observed: 0.0041; judged 1 of 2 pods: no page of pod-2 was ever read</system-out>"));
  summary.thresholds[0].ok = false;
  CHECK(has(render_junit(summary), "<failure message=\"judged 1 of 2 pods: no page of pod-2 was ever read\""));
}

TEST_CASE("a test case fails exactly where the exit code says so") {
  struct Row {
    std::string name;
    void (*spoil)(Summary&);
    std::string failure;  // "" none
  };
  const std::vector<Row> rows = {
      {"nothing", [](Summary&) {}, ""},
      {"a check in warm-up alone", [](Summary& s) { s.checks[0].warmup_fails = 2; }, ""},
      {"a check", [](Summary& s) { s.checks[0].fails = 2, s.run.exit_code = 99; },
       "<failure message=\"2 of 32 failed\""},
      {"a check that a threshold judges",
       [](Summary& s) {
         s.checks[0].fails = 2;
         s.thresholds.push_back({"checks", "rate > 0.9", {}, 0.94, true, ""});
       },
       ""},
      {"a threshold",
       [](Summary& s) {
         s.thresholds[0].ok = false, s.thresholds[0].why = "p(99) is 0.3, not < 0.25", s.run.exit_code = 99;
       },
       "<failure message=\"p(99) is 0.3, not &lt; 0.25\""},
      {"the generator", [](Summary& s) { s.health.validity = Validity::invalid, s.run.exit_code = 111; },
       "<failure message=\"INVALID"},
      {"the generator, excused",
       [](Summary& s) {
         s.health.validity = Validity::invalid;
         s.run.options.emplace_back("validity", std::string("warn"));
       },
       ""},
      {"no call succeeded", [](Summary& s) { s.run.exit_code = 99; }, "<failure message=\"exit code 99: not one call"},
      {"a signal", [](Summary& s) { s.run.exit_code = 105, s.run.end = "signal", s.run.end_reason = "SIGINT"; },
       "<failure message=\"exit code 105: stopped by a signal; SIGINT\""},
      {"an output", [](Summary& s) { s.run.exit_code = 113; }, "<failure message=\"exit code 113: an output"},
      {"an output, told", [](Summary& s) { s.run.exit_code = 113, s.run.outputs_lost = 1, s.run.lines_lost = 1204; },
       "could not be written; 1 output is not whole, 1,204 lines missing\""},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    Summary summary = good_summary();
    row.spoil(summary);
    const std::string xml = render_junit(summary);
    CHECK(count_of(xml, "<failure") == (row.failure.empty() ? 0 : 1));
    CHECK(has(xml, row.failure));
    CHECK(has(xml, row.failure.empty() ? "failures=\"0\"" : "failures=\"1\""));
  }
}

TEST_CASE("texts from outside stay texts in the JUnit file") {
  Summary summary = good_summary();
  summary.checks[0].name = "a<b>&\"c\"\n\x01 \xff\xef\xbf\xbe";
  const std::string xml = render_junit(summary);
  CHECK(has(xml, "name=\"a&lt;b&gt;&amp;&quot;c&quot;&#10;\xEF\xBF\xBD \xEF\xBF\xBD\xEF\xBF\xBD\""));
}

TEST_CASE("a summary of nothing is a JUnit file, too") {
  const std::string xml = render_junit(Summary{});
  CHECK(has(xml, "<testsuite name=\"run\" tests=\"3\" failures=\"0\""));
  CHECK(count_of(xml, "<testsuite ") == 1);
}
