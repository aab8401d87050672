#include "lgen/hpa_simulation.h"

#include <algorithm>

#include "catch.h"

using namespace lgen;
using namespace std::chrono_literals;

namespace {

/// Streams from 0 to 120 in five minutes, held for ten, and gone within one; target 15, from 3 pods to 10.
hpa::Simulation ramp() {
  const hpa::Metric gauge{hpa::Metric::Type::pods, "grpc_server_active_streams", hpa::Metric::Target::average_value,
                          15'000};
  return {.spec = {.min = 3, .max = 10, .metrics = {gauge}},
          .load = {{0s, 0}, {300s, 120}, {900s, 120}, {960s, 0}},
          .length = 1500s,
          .per_load = {1000},
          .pod_start = 20s};
}

const hpa::Round& round_at(const std::vector<hpa::Round>& rounds, Duration at) {
  return *std::find_if(rounds.begin(), rounds.end(), [at](const auto& round) { return round.at >= at; });
}

int most_wanted(const std::vector<hpa::Round>& rounds) {
  int most = 0;
  for (const auto& round : rounds) most = std::max(most, round.decision.desired);
  return most;
}

Duration first_with(const std::vector<hpa::Round>& rounds, int replicas) {
  for (const auto& round : rounds)
    if (round.decision.desired >= replicas) return round.at;
  return Duration::max();
}

}  // namespace

TEST_CASE("a ramp of 120 streams at 15 a pod goes from 3 pods to 8 and, five minutes behind its end, back") {
  const auto rounds = hpa::simulate(ramp());
  CHECK(rounds.front().replicas == 3);
  CHECK(round_at(rounds, 600s).replicas == 8);
  CHECK(round_at(rounds, 600s).ready == 8);
  CHECK(most_wanted(rounds) == 8);
  CHECK(round_at(rounds, 1200s).replicas == 8);
  CHECK(rounds.back().replicas == 3);
  CHECK(rounds.size() == 101);
}

TEST_CASE("what the autoscaler sees late it does late") {
  auto late = ramp();
  late.metric_lag = 60s;
  const auto at_once = hpa::simulate(ramp()), delayed = hpa::simulate(late);
  for (const int replicas : {4, 6, 8}) {
    CAPTURE(replicas);
    CHECK(first_with(delayed, replicas) >= first_with(at_once, replicas) + 45s);
  }
  CHECK(most_wanted(delayed) == 8);
}

TEST_CASE("of two metrics the one that wants more pods decides") {
  auto simulation = ramp();
  simulation.spec.metrics.insert(simulation.spec.metrics.begin(),
                                 {hpa::Metric::Type::resource, "cpu", hpa::Metric::Target::utilization, 80});
  simulation.cpu_request = 250;
  simulation.per_load = {17, 1000};  // 120 streams take 2,040 millicores, 80 % of what 10.2 pods ask for
  simulation.controller.cpu_initialization_period = 0s;
  const auto rounds = hpa::simulate(simulation);
  CHECK(most_wanted(rounds) == 10);
  CHECK(round_at(rounds, 880s).decision.scaling_active.reason == "ValidMetricFound");
}

TEST_CASE("without a CPU request nothing is scaled, and each round says why") {
  auto simulation = ramp();
  simulation.spec.metrics = {{hpa::Metric::Type::resource, "cpu", hpa::Metric::Target::utilization, 50}};
  for (const auto& round : hpa::simulate(simulation)) {
    CHECK(round.decision.desired == 3);
    CHECK(round.decision.scaling_active.reason == "FailedGetResourceMetric");
  }
}

TEST_CASE("a metric of the whole needs no samples of pods") {
  auto simulation = ramp();
  simulation.spec.metrics = {{hpa::Metric::Type::external, "queue", hpa::Metric::Target::average_value, 15'000}};
  CHECK(round_at(hpa::simulate(simulation), 600s).replicas == 8);
}
