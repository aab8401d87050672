#include "catch.h"
#include "lgen/summary.h"

using namespace lgen;

namespace {

Summary with_start_lag(double lag, double response) {
  Metrics metrics;
  for (int i = 0; i < 100; ++i) {
    metrics.record(metrics.series("start_lag_seconds", {}), lag);
    metrics.record(metrics.series("grpc_call_duration_seconds", {}), response);
  }
  Summary summary;
  summary.metrics = metrics.snapshot();
  return summary;
}

Validity judged(Summary summary) {
  judge_validity(summary);
  CHECK((summary.health.validity == Validity::valid) == summary.health.reasons.empty());
  return summary.health.validity;
}

}  // namespace

TEST_CASE("late starts are judged by their p99 and by what they are measured against") {
  struct Case {
    const char* scene;
    double lag, response;
    Validity validity;
  };
  const Case cases[] = {
      {"on time", 0.0005, 0.002, Validity::valid},
      {"at the limit", 0.001, 0.002, Validity::valid},
      {"a little late", 0.002, 0.002, Validity::suspect},
      {"late, but small beside the response", 0.012, 0.5, Validity::suspect},
      {"late beyond a tenth of the response", 0.012, 0.05, Validity::invalid},
  };
  for (const Case& c : cases) {
    INFO(c.scene);
    CHECK(judged(with_start_lag(c.lag, c.response)) == c.validity);
  }
}

TEST_CASE("a run without a single sample is valid") { CHECK(judged(Summary{}) == Validity::valid); }

TEST_CASE("a loop late by more than 50 ms in over 1 % of the seconds is suspect") {
  const auto with_late = [](std::size_t late) {
    Summary summary;
    TimelineSeries series{"loop_lag_seconds", {}, std::vector<TimelinePoint>(200, {10, 0.01, 0.0, 0.002, {}})};
    for (std::size_t i = 0; i < late; ++i) series.points[i].max = 0.06;
    summary.timelines.series.push_back(series);
    return summary;
  };
  CHECK(judged(with_late(2)) == Validity::valid);
  CHECK(judged(with_late(3)) == Validity::suspect);
}

TEST_CASE("throttling over 1 % of the time is suspect") {
  Summary summary;
  summary.health.throttled_share = 0.01;
  CHECK(judged(summary) == Validity::valid);
  summary.health.throttled_share = 0.02;
  CHECK(judged(summary) == Validity::suspect);
}

TEST_CASE("arrivals dropped while a VU was free make it invalid beyond 1 %") {
  Summary summary;
  summary.scenarios.emplace_back().started = 99;
  summary.health.dropped_with_free_vu = 1;
  CHECK(judged(summary) == Validity::valid);
  summary.health.dropped_with_free_vu = 2;
  CHECK(judged(summary) == Validity::invalid);
}

TEST_CASE("running out of descriptors or ports makes it invalid, once each, wherever it shows") {
  Summary summary;
  summary.errors.push_back({"UNAVAILABLE", "socket: Too many open files", "", "", 5, 0, 0});
  summary.channels.push_back({"main[1]", "", "", 0, 3, "connect: Cannot assign requested address", "own"});
  summary.channels.push_back({"main[2]", "", "", 0, 3, "socket: Too many open files", "own"});
  judge_validity(summary);
  CHECK(summary.health.validity == Validity::invalid);
  CHECK(summary.health.reasons.size() == 2);
}

TEST_CASE("judging twice changes nothing") {
  Summary summary = with_start_lag(0.02, 0.02);
  judge_validity(summary);
  const auto reasons = summary.health.reasons;
  judge_validity(summary);
  CHECK(summary.health.reasons == reasons);
}
