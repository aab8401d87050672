#include "lgen/redact.h"

#include <string>

#include "catch.h"
#include "lgen/report.h"
#include "sample_summary.h"

using namespace lgen;
using namespace lgen::test;

TEST_CASE("a secret goes wherever it stands") {
  struct Row {
    std::string text, cleaned;
  };
  const Redactor redactor({"hunter2", "hunter2-long", "abc"});
  for (const Row& row : {Row{"hunter2", "***"}, Row{"a hunter2, b hunter2", "a ***, b ***"}, Row{"hunter2-long", "***"},
                         Row{"Hunter2", "Hunter2"}, Row{"abc", "abc"}, Row{"", ""}}) {
    std::string text = row.text;
    redactor.clean(text);
    CHECK(text == row.cleaned);
  }
}

TEST_CASE("every text of a summary is cleaned, and nothing else is touched") {
  const std::string secret = "Kx7-secret";
  Summary summary = bad_summary();
  const std::string before = render_json(summary);
  Redactor({secret}).clean(summary);
  CHECK(render_json(summary) == before);
  // Everything that may hold foreign text gets the secret once: a JSON of such strings is searched for what is left.
  for (auto* text : {&summary.run.plan, &summary.run.end_reason, &summary.run.target, &summary.checks[0].name,
                     &summary.checks[1].first_failure, &summary.errors[0].message, &summary.errors[0].backend,
                     &summary.channels[0].last_error, &summary.connections[1].reason, &summary.scenarios[0].load,
                     &summary.distributions[0].table.col_names[0], &summary.distributions[0].verdict.subsets[0][0],
                     &summary.thresholds[1].why, &summary.thresholds[1].labels[0].second, &summary.conservation,
                     &summary.metrics.metrics[4].series.emplace_back().labels.emplace_back("x", "").second,
                     &summary.timelines.series[0].labels[0].second}) {
    *text = "a " + secret + " b";
  }
  summary.run.notes = {secret};
  summary.run.options.emplace_back("tag", "user=" + secret);
  summary.events[0].fields.emplace_back("token", secret);
  REQUIRE(render_json(summary).find(secret) != std::string::npos);
  Redactor({secret}).clean(summary);
  for (const std::string& text : {render_json(summary), render_console(summary, {false, 80}), render_html(summary),
                                  render_csv(summary), render_junit(summary)}) {
    CHECK(text.find(secret) == std::string::npos);
  }
}
