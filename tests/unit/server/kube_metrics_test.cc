#include "catch.h"
#include "columns.h"
#include "metric_sums.h"
#include "pod_metrics.h"
#include "proc_stat.h"

namespace lgen::kube {
namespace {

using namespace std::chrono_literals;

const TimePoint kStart = TimePoint(24h);

// The machine's time runs along at a twentieth.
Instant at(Duration offset) { return {kStart + offset, TimePoint(1h) + offset / 20}; }

TEST_CASE("samples are summed by name over their labels") {
  const auto page = MetricsPage::parse(
      "# TYPE a gauge\na 3\nb{x=\"1\"} 1.5\nb{x=\"2\"} 2\n"
      "n{m=\"grpc.health.v1.Health/Check\"} 5\nn{m=\"s\"} 1\n");
  REQUIRE(page.ok());
  const auto sums = metric_sums(**page), others = metric_sums(**page, "grpc.");
  CHECK(sums.at("a") == 3);
  CHECK(sums.at("b") == 3.5);
  CHECK(sums.at("n") == 6);
  CHECK(others.at("n") == 1);
}

TEST_CASE("a pod's gauge goes by its own name and by the one that Google's adapter gives it") {
  PodMetrics metrics;
  CHECK_FALSE(metrics.value_of("g", kStart));
  metrics.add_page(PodMetrics::Sums{{"g", 7.5}, {"bad", std::nan("")}}, at(0s));
  CHECK(metrics.value_of("g", kStart + 5s)->value == 7500);
  CHECK(metrics.value_of("g", kStart + 5s)->age == 5s);
  CHECK(metrics.value_of("prometheus.googleapis.com|g|gauge", kStart)->value == 7500);
  CHECK_FALSE(metrics.value_of("other", kStart));
  CHECK_FALSE(metrics.value_of("bad", kStart));
  metrics.add_page(std::nullopt, at(15s));  // a scrape that failed
  CHECK_FALSE(metrics.value_of("g", kStart));
}

TEST_CASE("rates are by the machine's seconds, and begin anew with a counter that fell") {
  PodMetrics metrics;
  metrics.add_page(PodMetrics::Sums{{"m_total", 100}, {"n_count_total", 5}}, at(0s));
  CHECK_FALSE(metrics.value_of("m_per_second", kStart));
  metrics.add_page(PodMetrics::Sums{{"m_total", 200}, {"n_count_total", 6}}, at(20s));
  CHECK(metrics.value_of("m_per_second", kStart + 20s)->value == 100000);
  CHECK(metrics.value_of("n_per_second", kStart + 20s)->value == 1000);
  CHECK(metrics.value_of("prometheus.googleapis.com|m_total|counter", kStart + 20s)->value == 100000);
  CHECK(metrics.value_of("m_total", kStart + 20s)->value == 100000);  // what adapters make of a counter
  metrics.add_page(PodMetrics::Sums{{"m_total", 30}}, at(40s));
  CHECK(metrics.value_of("m_per_second", kStart + 40s)->value == 30000);
}

TEST_CASE("with a lag a value is known that long after it was taken") {
  PodMetrics metrics(40s);
  for (int i = 0; i < 8; ++i) metrics.add_page(PodMetrics::Sums{{"g", i}, {"m_total", 10 * i * i}}, at(i * 15s));
  // The pages are of 0 s, 15 s, ... 105 s.
  CHECK(metrics.value_of("g", kStart + 105s)->value == 4000);
  CHECK(metrics.value_of("g", kStart + 105s)->age == 45s);
  CHECK(metrics.value_of("m_total", kStart + 105s)->value == 70 * 1000 * 20 / 15 + 1);  // of 45 s to 60 s, rounded up
  CHECK(metrics.value_of("g", kStart + 115s)->value == 5000);
  PodMetrics young(40s);
  young.add_page(PodMetrics::Sums{{"g", 1}}, at(0s));
  CHECK_FALSE(young.value_of("g", kStart + 39s));
  CHECK(young.value_of("g", kStart + 40s)->value == 1000);
}

TEST_CASE("CPU is used time over the machine's time, of one process") {
  PodMetrics metrics;
  metrics.add_cpu(1, 1s, at(0s));
  CHECK_FALSE(metrics.cpu(kStart));
  metrics.add_cpu(1, 1s + 250ms, at(20s));
  const auto sample = metrics.cpu(kStart + 21s);
  CHECK(sample->value == 250);
  CHECK(sample->age == 1s);
  CHECK(sample->window == 20s);
  metrics.add_cpu(2, 10ms, at(40s));
  CHECK_FALSE(metrics.cpu(kStart));
}

TEST_CASE("readings: by pod, and their sum for metrics of the whole") {
  PodMetrics one, two, silent;
  one.add_page(PodMetrics::Sums{{"g", 3}}, at(0s));
  two.add_page(PodMetrics::Sums{{"g", 4}}, at(0s));
  const hpa::Metric gauge{hpa::Metric::Type::pods, "g"};
  const auto reading = read_metric(gauge, {&one, &silent, &two}, kStart);
  REQUIRE(reading.of_pods.size() == 3);
  CHECK(reading.of_pods[0]->value == 3000);
  CHECK_FALSE(reading.of_pods[1]);
  CHECK(reading.value == 7000);
  CHECK_FALSE(read_metric(gauge, {&silent}, kStart).value);
  CHECK_FALSE(read_metric({hpa::Metric::Type::resource, "memory"}, {&one}, kStart).of_pods[0]);
}

TEST_CASE("CPU in /proc stands behind a name that may hold anything") {
  const char* stat = "12 (a b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0";
  CHECK(cluster::cpu_of_stat(stat, 100) == 2s);
  CHECK_FALSE(cluster::cpu_of_stat("12 (a) S 1", 100));
  CHECK_FALSE(cluster::cpu_of_stat("", 100));
}

TEST_CASE("ages are written as kubectl does") {
  for (const auto& [duration, text] : std::initializer_list<std::pair<Duration, const char*>>{{0s, "0s"},
                                                                                              {119s, "119s"},
                                                                                              {120s, "2m"},
                                                                                              {190s, "3m10s"},
                                                                                              {10min, "10m"},
                                                                                              {179min, "179m"},
                                                                                              {180min, "3h"},
                                                                                              {185min, "3h5m"},
                                                                                              {8h, "8h"},
                                                                                              {48h, "2d"},
                                                                                              {50h, "2d2h"},
                                                                                              {200h, "8d"},
                                                                                              {-1s, "0s"}}) {
    CHECK(human_duration(duration) == text);
  }
}

TEST_CASE("targets are written as kubectl does") {
  using M = hpa::Metric;
  const M cpu{M::Type::resource, "cpu", M::Target::utilization, 50},
      gauge{M::Type::pods, "g", M::Target::average_value, 15000};
  const M external{M::Type::external, "e", M::Target::average_value, 10000};
  const Error missing = make_error(ErrorCode::unavailable, "none");
  const auto proposal = [](std::int64_t usage) { return Result<hpa::Proposal>(hpa::Proposal{1, usage}); };
  CHECK(targets({1, 2, {gauge}, {}}, {proposal(8000)}) == "8/15");
  CHECK(targets({1, 2, {gauge}, {}}, {proposal(8500)}) == "8500m/15");
  CHECK(targets({1, 2, {cpu}, {}}, {missing}) == "cpu: <unknown>/50%");
  CHECK(targets({1, 2, {cpu}, {}}, {}) == "cpu: <unknown>/50%");
  CHECK(targets({1, 2, {cpu, gauge}, {}}, {proposal(30), missing}) == "cpu: 30%/50%, <unknown>/15");
  CHECK(targets({1, 2, {external}, {}}, {proposal(3000)}) == "3/10 (avg)");
  CHECK(targets({1, 2, {gauge, gauge, cpu}, {}}, {}) == "<unknown>/15, <unknown>/15 + 1 more...");
}

TEST_CASE("tables have kubectl's columns") {
  std::vector<std::size_t> widths;
  const PodRow pod{
      .name = "server-1", .ready = true, .status = "Running", .restarts = 2, .since_restart = 30s, .age = 5min};
  CHECK(layout({pods_header(), cells(pod)}, widths) ==
        "NAME       READY   STATUS    RESTARTS      AGE\n"
        "server-1   1/1     Running   2 (30s ago)   5m\n");
  // A later row of a watch keeps the columns.
  const PodRow other{.name = "s", .status = "ContainerCreating"};
  CHECK(layout({cells(other)}, widths) == "s          0/1     ContainerCreating   0             0s\n");
  std::vector<std::size_t> hpa_widths;
  const HpaView hpa{.name = "server",
                    .deployment = "server",
                    .spec = {3, 10, {{hpa::Metric::Type::pods, "g", hpa::Metric::Target::average_value, 15000}}, {}},
                    .replicas = 3,
                    .age = 1s};
  CHECK(layout({hpa_header(), cells(hpa)}, hpa_widths) ==
        "NAME     REFERENCE           TARGETS        MINPODS   MAXPODS   REPLICAS   AGE\n"
        "server   Deployment/server   <unknown>/15   3         10        3          1s\n");
}

TEST_CASE("an autoscaler is described with what it sees, why it acts and what it did") {
  using M = hpa::Metric;
  HpaView hpa{.name = "server",
              .deployment = "server",
              .spec = {3,
                       10,
                       {{M::Type::resource, "cpu", M::Target::utilization, 80},
                        {M::Type::pods, "g", M::Target::average_value, 15000}},
                       hpa::Behavior{}},
              .age = 65s};
  CHECK_THAT(description(hpa), Catch::Matchers::Contains("<unknown> / 80%") &&
                                   Catch::Matchers::Contains("Conditions:  <none>\nEvents:      <none>\n"));
  hpa.last = {.desired = 6,
              .proposals = {hpa::Proposal{1, 4}, hpa::Proposal{8, 33334}},
              .able_to_scale = {true, "SucceededRescale", "the replicas were set to 6"}};
  hpa.replicas = 3;
  hpa.rescales = {{30s, 6, "pods metric g above target"}};
  CHECK(description(hpa) ==
        "Name:                                                 server\n"
        "Reference:                                            Deployment/server\n"
        "Age:                                                  65s\n"
        "Metrics:                                              ( current / target )\n"
        "  resource cpu on pods (as a percentage of request):  4% / 80%\n"
        "  \"g\" on pods:                                        33334m / 15\n"
        "Min replicas:                                         3\n"
        "Max replicas:                                         10\n"
        "Behavior:\n"
        "  Scale Up:\n"
        "    Stabilization Window:                             0 seconds\n"
        "    Select Policy:                                    Max\n"
        "    Policies:\n"
        "      - Type: Pods                                    Value: 4  Period: 15 seconds\n"
        "      - Type: Percent                                 Value: 100  Period: 15 seconds\n"
        "  Scale Down:\n"
        "    Stabilization Window:                             300 seconds\n"
        "    Select Policy:                                    Max\n"
        "    Policies:\n"
        "      - Type: Percent                                 Value: 100  Period: 15 seconds\n"
        "Deployment pods:                                      3 current / 6 desired\n"
        "Conditions:\n"
        "  Type         Status  Reason            Message\n"
        "  ----         ------  ------            -------\n"
        "  AbleToScale  True    SucceededRescale  the replicas were set to 6\n"
        "Events:\n"
        "  Type    Reason             Age  Message\n"
        "  ----    ------             ---  -------\n"
        "  Normal  SuccessfulRescale  30s  New size: 6; reason: pods metric g above target\n");
}

}  // namespace
}  // namespace lgen::kube
