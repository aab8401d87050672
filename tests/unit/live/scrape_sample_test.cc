#include <cmath>
#include <string>

#include "catch.h"
#include "lgen/scrape.h"

namespace lgen {
namespace {

/// Pods a, b, … with these pages; an empty one is down.
ScrapeSample sample_of(std::initializer_list<const char*> pages) {
  ScrapeSample sample;
  char name = 'a';
  for (const std::string text : pages) {
    PodPage pod{.pod = std::string(1, name++), .labels = {{"zone", sample.pods.empty() ? "east" : "west"}}};
    if (text.empty()) {
      pod.error = make_error(ErrorCode::refused, "nobody listens at " + pod.pod);
    } else {
      pod.page = *MetricsPage::parse(text);
    }
    sample.pods.push_back(std::move(pod));
  }
  return sample;
}

std::optional<double> combined(const ScrapeSample& sample, Aggregate how, const Labels& labels = {}) {
  return combine(find_series(sample, "x", labels), how);
}

TEST_CASE("series of all pods are combined, NaN left out") {
  const ScrapeSample sample = sample_of({"x{k=\"1\"} 3\nx{k=\"2\"} NaN\n", "x{k=\"1\"} 9\ny 7\n", ""});
  CHECK(sample.up() == 2);
  CHECK(sample.down() == 1);
  CHECK_FALSE(sample.error());
  CHECK(combined(sample, Aggregate::sum) == 12);
  CHECK(combined(sample, Aggregate::min) == 3);
  CHECK(combined(sample, Aggregate::max) == 9);
  CHECK(combined(sample, Aggregate::avg) == 6);
  CHECK(find_series(sample, "x", {}).size() == 2);
  CHECK_FALSE(combine(find_series(sample, "z", {}), Aggregate::sum));
}

TEST_CASE("series are chosen by the page's labels, the pod and what is known of it") {
  const ScrapeSample sample =
      sample_of({"x{k=\"1\"} 1\nx{k=\"2\"} 2\n", "x{k=\"1\"} 4\n", "x{k=\"1\",pod=\"own\"} 8\n"});
  CHECK(combined(sample, Aggregate::sum, {{"k", "1"}}) == 13);
  CHECK(combined(sample, Aggregate::sum, {{"pod", "a"}}) == 3);
  CHECK(combined(sample, Aggregate::sum, {{"zone", "west"}}) == 12);
  CHECK(combined(sample, Aggregate::sum, {{"k", "1"}, {"zone", "east"}}) == 1);
  CHECK(combined(sample, Aggregate::sum, {{"exported_pod", "own"}}) == 8);
  CHECK_FALSE(combined(sample, Aggregate::sum, {{"k", "3"}}));
}

TEST_CASE("a sample without a pod that is up is an error that says why") {
  CHECK(sample_of({""}).error()->message == "nobody listens at a");
  CHECK(sample_of({"", "", ""}).error()->message == "nobody listens at a; 2 more pods like it");
  CHECK(sample_of({}).error()->message == "there is no pod");
  ScrapeSample lost;
  lost.trouble = "dns:///x:1 does not resolve";
  CHECK(lost.error()->message == "dns:///x:1 does not resolve");
}

TEST_CASE("conditions hold for a combined value, for any series or for all of them") {
  const ScrapeSample sample = sample_of({"x 1\n", "x 5\n", "x 3\n"});
  struct Row {
    const char *aggregate, *comparison;
    double bound;
    bool holds;
    double value;
  };
  for (const Row& row : {
           Row{"sum", "==", 9, true, 9},
           Row{"sum", "<", 9, false, 9},
           Row{"max", ">=", 5, true, 5},
           Row{"min", "!=", 1, false, 1},
           Row{"avg", "<=", 3, true, 3},
           Row{"any", ">", 4, true, 5},
           Row{"any", ">", 5, false, 5},
           Row{"any", "==", 3, true, 3},
           Row{"any", "<", 2, true, 1},
           Row{"all", ">", 0, true, 1},
           Row{"all", ">", 1, false, 1},
           Row{"all", "<", 5, false, 5},
           Row{"all", "==", 3, false, 1},
           Row{"all", "~=", 3, false, 3},
       }) {
    ScrapeCondition condition{.metric = "x", .bound = row.bound};
    condition.aggregate = *parse_aggregate(row.aggregate);
    condition.comparison = *parse_comparison(row.comparison);
    INFO(condition.text());
    const ConditionState state = judge(condition, sample);
    CHECK(state.holds == row.holds);
    CHECK(state.value == row.value);
  }
  CHECK_FALSE(parse_aggregate("median"));
  CHECK_FALSE(parse_comparison("=>"));
}

TEST_CASE("what nobody has told holds never: no series, or for all while a pod is down") {
  ScrapeCondition condition{.metric = "x", .comparison = Comparison::equal, .bound = 0};
  const ScrapeSample half = sample_of({"x 0\n", ""});
  for (const Aggregate how : {Aggregate::sum, Aggregate::any}) {
    condition.aggregate = how;
    CHECK(judge(condition, half).holds);
    CHECK_FALSE(judge(condition, sample_of({"y 1\n"})).holds);
  }
  condition.aggregate = Aggregate::all;
  CHECK_FALSE(judge(condition, half).holds);
  CHECK(judge(condition, half).value == 0);
  CHECK(judge(condition, sample_of({"x 0\n", "x 0\n"})).holds);
}

TEST_CASE("a condition is told as PromQL would have it") {
  ScrapeCondition condition{
      .metric = "x", .labels = {{"a", "1"}, {"pod", "p"}}, .comparison = Comparison::greater_equal, .bound = 2.5};
  CHECK(condition.text() == "sum(x{a=\"1\",pod=\"p\"}) >= 2.5");
}

}  // namespace
}  // namespace lgen
