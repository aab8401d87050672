// A Lua plan run in this process without a server: loaded, run to its end, its Summary at hand.
// Thread: the test's.
#pragma once

#include <string>

#include "catch.h"
#include "grpc_plan_run.h"

namespace lgen::test {

/// Fails the running test for every check of the plan that failed and every error its code raised.
inline void require_clean(const Summary& summary) {
  for (const ErrorSample& error : summary.errors) {
    INFO(error.where << ": " << error.message);
    CHECK(error.code != "plan");
  }
  for (const CheckResult& check : summary.checks) {
    INFO(check.name << " -- " << check.first_failure);
    CHECK(check.fails == 0);
  }
  REQUIRE(summary.checks.size() > 0);
  CHECK(summary.checks.back().name == "every test ran");
}

/// `top` at the top level, `body` in the one iteration of the one VU. Line 2 is the first one of `top`.
inline std::string small_plan(const std::string& top, const std::string& body = "") {
  return "local lgen = require \"lgen\"\n" + top +
         "\nlgen.scenario(\"test\", { load = lgen.load.per_vu_iterations { vus = 1, iterations = 1 }, run = "
         "function(vu)\n" +
         body + "\nend })\n";
}

/// The series of a counter, by its labels.
inline double value_of(const Summary& summary, std::string_view metric, const Labels& labels) {
  const MetricSnapshot* found = summary.metrics.find(metric);
  REQUIRE(found);
  for (const SeriesSnapshot& series : found->series) {
    if (series.labels == labels) return series.value;
  }
  return -1;
}

}  // namespace lgen::test
