// Whole rounds of the controller: which metric wins, what failing ones mean, and laws that hold for all numbers.
#include <algorithm>
#include <random>

#include "catch.h"
#include "lgen/hpa.h"

using namespace lgen;
using namespace std::chrono_literals;

namespace {

hpa::Metric cpu(std::int64_t percent) {
  return {hpa::Metric::Type::resource, "cpu", hpa::Metric::Target::utilization, percent};
}

hpa::Metric gauge(std::int64_t average) {
  return {hpa::Metric::Type::pods, "grpc_server_active_streams", hpa::Metric::Target::average_value, average * 1000};
}

/// `pods` alike, each with these streams and this CPU of a request of 250 millicores.
hpa::Observation seen(int pods, std::optional<std::int64_t> millicores, std::optional<std::int64_t> streams,
                      TimePoint now = TimePoint(1h)) {
  hpa::Observation out{.now = now, .replicas = pods};
  out.readings.resize(2);
  for (int i = 0; i < pods; ++i) {
    out.pods.push_back({.cpu_request = 250});
    out.readings[0].of_pods.push_back(millicores ? std::optional(hpa::Sample{*millicores}) : std::nullopt);
    out.readings[1].of_pods.push_back(streams ? std::optional(hpa::Sample{*streams * 1000}) : std::nullopt);
  }
  return out;
}

hpa::Spec both() { return {.min = 3, .max = 10, .metrics = {cpu(80), gauge(15)}}; }

/// Of a controller that has gone on for a while, in which nothing was asked for.
hpa::Decision decide(const hpa::Spec& spec, const hpa::Observation& observation) {
  hpa::History history{.begun = true};
  return hpa::decide(spec, {}, observation, history);
}

}  // namespace

TEST_CASE("the metric that asks for the most decides") {
  auto decision = decide(both(), seen(3, 100, 20));
  CHECK(decision.desired == 4);
  CHECK(decision.cause == "pods metric grpc_server_active_streams above target");
  CHECK(decision.scaling_active.reason == "ValidMetricFound");
  decision = decide(both(), seen(4, 240, 4));
  CHECK(decision.desired == 5);
  CHECK(decision.cause == "cpu resource utilization (percentage of request) above target");
  CHECK(decide(both(), seen(5, 20, 4)).cause == "All metrics below target");
}

TEST_CASE("within a tenth of the target nothing moves, and the tenth is included") {
  const hpa::Spec spec{.min = 1, .max = 100, .metrics = {cpu(100)}};
  for (const auto& [percent, desired] : {std::pair{89, 9}, {90, 10}, {100, 10}, {110, 10}, {111, 12}}) {
    auto observation = seen(10, percent * 10, {});
    for (auto& pod : observation.pods) pod.cpu_request = 1000;
    CAPTURE(percent);
    CHECK(decide(spec, observation).desired == desired);
  }
}

TEST_CASE("a metric that fails keeps pods, and lets others add some") {
  auto decision = decide(both(), seen(5, {}, 4));
  CHECK(decision.desired == 5);
  CHECK_FALSE(decision.scaling_active.is_true);
  CHECK(decision.scaling_active.reason == "FailedGetResourceMetric");
  CHECK(decision.scaling_active.message.starts_with(
      "1 of 2 metrics failed; the first, cpu resource utilization (percentage of request): none of "));
  CHECK(decide(both(), seen(5, {}, 30)).desired == 10);
  decision = decide(both(), seen(5, {}, {}));
  CHECK(decision.desired == 5);
  CHECK(decision.scaling_active.message.starts_with("2 of 2 metrics failed"));
}

TEST_CASE("a pod without a CPU request fails the resource metric") {
  auto observation = seen(3, 100, 15);
  observation.pods[1].cpu_request = 0;
  const auto decision = decide({.min = 1, .max = 10, .metrics = {cpu(50)}}, observation);
  CHECK(decision.desired == 3);
  CHECK(decision.scaling_active.reason == "FailedGetResourceMetric");
  CHECK(decision.proposals.at(0).error().message == "missing request for cpu");
}

TEST_CASE("replicas outside of min and max are brought back, whatever the metrics say") {
  CHECK(decide(both(), seen(12, 100, 15)).desired == 10);
  CHECK(decide(both(), seen(1, 500, 90)).desired == 3);
  const auto asleep = decide(both(), seen(0, {}, {}));
  CHECK(asleep.desired == 0);
  CHECK(asleep.scaling_active.reason == "ScalingDisabled");
}

TEST_CASE("what the first round finds is kept for 300 s, as a recommendation would be") {
  for (const auto& [pods, kept] : {std::pair{8, 8}, {100, 10}}) {
    hpa::History history;
    TimePoint now{1h};
    int replicas = pods;
    const auto round = [&] {
      const auto decision = hpa::decide(both(), {}, seen(replicas, 10, 0, now), history);
      now += 15s;
      replicas = decision.desired;
      return decision.able_to_scale.reason;
    };
    if (pods > kept) CHECK(round() == "SucceededRescale");
    while (now <= TimePoint(1h) + 300s) CHECK(round() == "ScaleDownStabilized");
    CHECK(replicas == kept);
    CHECK(round() == "SucceededRescale");
    CHECK(replicas == 3);
  }
}

TEST_CASE("more pods than can be counted are as many as can be") {
  const hpa::Spec spec{.min = 1, .max = 10, .metrics = {gauge(1)}};
  auto observation = seen(5, {}, 1, TimePoint(1h));
  observation.readings.erase(observation.readings.begin());
  for (auto& sample : observation.readings[0].of_pods) sample->value = 1'000'000'000'000'000;
  CHECK(decide(spec, observation).desired == 10);
}

TEST_CASE("load that goes away takes its pods with it 300 s later") {
  const hpa::Spec spec{.min = 3, .max = 10, .metrics = {gauge(15)}};
  hpa::History history;
  TimePoint now{1h};
  const auto round = [&](int pods, std::int64_t streams) {
    auto observation = seen(pods, {}, streams, now);
    observation.readings.erase(observation.readings.begin());
    const auto decision = hpa::decide(spec, {}, observation, history);
    now += 15s;
    return decision;
  };
  CHECK(round(3, 40).desired == 6);  // 8 wanted; at most twice as many in one step
  CHECK(round(6, 20).desired == 8);
  for (int i = 0; i < 19; ++i) {
    const auto decision = round(8, 0);
    CHECK(decision.desired == 8);
    CHECK(decision.able_to_scale.reason == "ScaleDownStabilized");
  }
  CHECK(round(8, 0).desired == 8);
  CHECK(round(8, 0).desired == 3);
}

TEST_CASE("for one metric: within min and max, still within the tolerance, and more load never means fewer pods") {
  std::mt19937_64 random(20240607);
  const auto draw = [&](int from, int to) { return std::uniform_int_distribution(from, to)(random); };
  for (int round = 0; round < 20'000; ++round) {
    const int least = draw(1, 5);
    const hpa::Spec spec{.min = least,
                         .max = least + draw(0, 20),
                         .metrics = {gauge(draw(1, 40))},
                         .behavior = round % 2 == 0 ? std::nullopt : std::optional(hpa::Behavior{})};
    const int pods = draw(spec.min, spec.max);
    int before = 0;
    std::int64_t streams = 0;
    for (int step = 0; step < 5; ++step, streams += draw(0, 30)) {
      auto observation = seen(pods, {}, streams);
      observation.readings.erase(observation.readings.begin());
      const int desired = decide(spec, observation).desired;
      CAPTURE(round, pods, streams, spec.min, spec.max, spec.metrics[0].goal, before);
      REQUIRE(desired >= spec.min);
      REQUIRE(desired <= spec.max);
      REQUIRE(desired >= before);
      const double ratio = static_cast<double>(streams) * 1000 / static_cast<double>(spec.metrics[0].goal);
      if (ratio > 0.901 && ratio < 1.099) REQUIRE(desired == pods);
      before = desired;
    }
  }
}
