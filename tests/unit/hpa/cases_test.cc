// Numbers from Kubernetes' own tests (tests/data/hpa/cases.json says which), one section for each table of that file.
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "lgen/hpa.h"

using namespace lgen;
using namespace std::chrono_literals;
using Json = nlohmann::json;

namespace {

const TimePoint kNow{24h};

Json cases(const char* table) {
  std::ifstream file(LGEN_TEST_DATA "/hpa/cases.json");
  const Json rows = Json::parse(file).at(table);
  REQUIRE_FALSE(rows.empty());
  return rows;
}

Duration seconds(const Json& number) { return std::chrono::seconds(number.get<int>()); }

/// As the harness of that file has them: two minutes of initialisation, ten seconds to the first readiness.
hpa::Controller controller() { return {.cpu_initialization_period = 120s, .initial_readiness_delay = 10s}; }

/// The pods of that file which are not ready have never been.
hpa::Pod pod_of(const Json& row) {
  const bool ready = row.at("ready");
  const Duration age = row.value("young", false) ? 0s : 3600s;
  return {.ready = ready,
          .deleting = row.value("deleting", false),
          .age = age,
          .since_ready_changed = ready ? age / 2 : age,
          .cpu_request = row.value("request", 0)};
}

std::optional<hpa::Sample> sample_of(const Json& value) {
  if (value.is_null()) return std::nullopt;
  return hpa::Sample{.value = value, .window = 60s};
}

hpa::Metric metric_of(const Json& row) {
  using Type = hpa::Metric::Type;
  using Target = hpa::Metric::Target;
  const std::string kind = row.at("kind");
  if (kind == "resource_cpu") return {Type::resource, "cpu", Target::utilization, row.at("target_pct")};
  if (kind == "pods") return {Type::pods, "qps", Target::average_value, row.at("target_avg")};
  const Type type = kind.starts_with("object") ? Type::object : Type::external;
  if (kind.ends_with("per_pod")) return {type, "qps", Target::average_value, row.at("target_avg")};
  return {type, "qps", Target::value, row.at("target_value")};
}

hpa::Spec spec_of(const Json& row) {
  if (!row.contains("tolerance_up")) return {};
  hpa::Spec spec{.behavior = hpa::Behavior{}};
  spec.behavior->up.tolerance = row.at("tolerance_up");
  spec.behavior->down.tolerance = row.at("tolerance_down");
  return spec;
}

std::vector<hpa::Policy> policies_of(const Json& rows) {
  std::vector<hpa::Policy> policies;
  for (const auto& row : rows) {
    const auto type = row.at("type") == "Pods" ? hpa::Policy::Type::pods : hpa::Policy::Type::percent;
    policies.push_back({type, row.at("value"), seconds(row.at("period_s"))});
  }
  return policies;
}

std::vector<hpa::Mark> marks_of(const Json& rows, const char* number) {
  std::vector<hpa::Mark> marks;
  for (const auto& row : rows) marks.push_back({kNow - seconds(row.at("age_s")), row.at(number)});
  return marks;
}

/// Behavior as the tables give it; what they leave out limits nothing that they ask about.
hpa::Spec limits_of(const Json& row) {
  hpa::Spec spec{.min = row.at("min"), .max = row.at("max"), .behavior = hpa::Behavior{}};
  if (row.contains("up_policies")) spec.behavior->up.policies = policies_of(row.at("up_policies"));
  if (row.contains("down_policies")) spec.behavior->down.policies = policies_of(row.at("down_policies"));
  return spec;
}

}  // namespace

TEST_CASE("replicas for one metric are Kubernetes'") {
  for (const auto& row : cases("replica_calc")) {
    CAPTURE(row.dump());
    std::vector<hpa::Pod> pods;
    hpa::Reading reading;
    for (const auto& pod : row.value("pods", Json::array())) {
      pods.push_back(pod_of(pod));
      reading.of_pods.push_back(sample_of(pod.at("value")));
    }
    for (int i = 0; i < row.value("ready_pods", 0); ++i) pods.push_back({});
    if (row.contains("value")) reading.value = row.at("value");
    const auto got = hpa::propose(metric_of(row), reading, pods, row.at("current"), spec_of(row), controller());
    REQUIRE(got.ok());
    const Json& expect = row.at("expect");
    CHECK(got->replicas == expect.at("replicas"));
    for (const char* usage : {"utilization_pct", "usage_avg", "usage"}) {
      if (expect.contains(usage)) CHECK(got->usage == expect.at(usage));
    }
  }
}

TEST_CASE("without behavior a step is limited to a doubling") {
  for (const auto& row : cases("limits_without_behavior")) {
    CAPTURE(row.dump());
    const auto got =
        hpa::limit(row.at("current"), row.at("desired"), {.min = row.at("min"), .max = row.at("max")}, {}, kNow);
    CHECK(got.replicas == row.at("expect"));
    CHECK(got.reason == row.at("reason"));
  }
}

TEST_CASE("with behavior a step is limited by policies and by what has changed within their periods") {
  for (const auto& row : cases("rate_limits_with_behavior")) {
    CAPTURE(row.dump());
    const hpa::History history{.added = marks_of(row.value("up_events", Json::array()), "change"),
                               .removed = marks_of(row.value("down_events", Json::array()), "change")};
    const auto got = hpa::limit(row.at("current"), row.at("desired"), limits_of(row), history, kNow);
    CHECK(got.replicas == row.at("expect"));
    CHECK(got.reason == row.at("reason"));
  }
}

TEST_CASE("Min selects the policy that allows the least") {
  for (const auto& row : cases("select_min")) {
    REQUIRE(row.at("direction") == "up");
    hpa::Spec spec{.max = 1000, .behavior = hpa::Behavior{}};
    spec.behavior->up = {.policies = policies_of(row.at("policies")), .select = hpa::Select::min};
    CHECK(hpa::limit(row.at("current"), 1000, spec, {}, kNow).replicas == row.at("expect_limit"));
  }
}

TEST_CASE("without behavior the highest recommendation of the last 300 s stands") {
  for (const auto& row : cases("stabilize_without_behavior_window_300s")) {
    CAPTURE(row.dump());
    const hpa::History history{.recommendations = marks_of(row.at("history"), "replicas")};
    CHECK(hpa::stabilize(100, row.at("desired"), {}, {}, history, kNow) == row.at("expect"));
  }
}

TEST_CASE("with behavior each direction has a window of its own") {
  for (const auto& row : cases("stabilize_with_behavior")) {
    CAPTURE(row.dump());
    hpa::Spec spec{.behavior = hpa::Behavior{}};
    spec.behavior->up.stabilization = seconds(row.at("up_window_s"));
    spec.behavior->down.stabilization = seconds(row.at("down_window_s"));
    const hpa::History history{.recommendations = marks_of(row.at("history"), "replicas")};
    CHECK(hpa::stabilize(row.at("current"), row.at("desired"), spec, {}, history, kNow) == row.at("expect"));
  }
}
