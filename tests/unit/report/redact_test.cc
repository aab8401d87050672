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

TEST_CASE("rows that secrets alone told apart are one") {
  Summary summary;
  const auto fail = [&](const std::string& message, std::uint64_t count, double first, double last) {
    ErrorSample& error = summary.errors.emplace_back();
    error.code = "INTERNAL", error.message = message, error.count = count, error.first_at = first, error.last_at = last;
  };
  fail("no user alice-1", 2, 3, 4);
  fail("no such page", 1, 1, 1);
  fail("no user alice-2", 5, 1, 3);
  for (const char* name : {"alice-1 is there", "alice-2 is there"}) {
    CheckResult& check = summary.checks.emplace_back();
    check.name = name, check.passes = 10, check.fails = 1, check.first_failure = "not " + check.name;
  }
  Redactor({"alice-1", "alice-2"}).clean(summary);
  REQUIRE(summary.errors.size() == 2);
  CHECK(summary.errors[0].message == "no user ***");
  CHECK(summary.errors[0].count == 7);
  CHECK(summary.errors[0].first_at == 1);
  CHECK(summary.errors[0].last_at == 4);
  CHECK(summary.errors[1].message == "no such page");
  REQUIRE(summary.checks.size() == 1);
  CHECK(summary.checks[0].passes == 20);
  CHECK(summary.checks[0].fails == 2);
  CHECK(summary.checks[0].first_failure == "not *** is there");
}

TEST_CASE("secrets come one by one; of long ones the beginning is enough") {
  Redactor redactor;
  const auto cleaned = [&](std::string text) {
    redactor.clean(text);
    return text;
  };
  CHECK(cleaned("nothing is secret") == "nothing is secret");
  for (const char* value : {"hunter22", "hunter", "two words"}) CHECK(redactor.add(value));
  for (const char* value : {"hunter", "", "abc"}) CHECK_FALSE(redactor.add(value));
  CHECK(cleaned("hunter22, hunter and hunter23") == "***, *** and ***23");
  CHECK(cleaned("two words; abc; two word") == "***; abc; two word");
  CHECK(cleaned("hunter22hunter22") == "******");
  const std::string token(500, 'k');
  CHECK(redactor.add(token));
  CHECK(cleaned("cut: " + token.substr(0, 100) + "... of 500") == "cut: ***");
  CHECK(cleaned(token.substr(0, 60)) == token.substr(0, 60));
}
