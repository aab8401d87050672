#include "catch.h"
#include "error.h"
#include "layout.h"
#include "sd_endpoint.h"

namespace lgen::cluster {
namespace {

std::string names(int pods, int zones) {
  ClusterOptions options;
  options.pods = pods;
  options.zones = zones;
  std::string text;
  for (const PodSpec& pod : lay_out_pods(options, "127.0.0.11")) text += pod.name + "@" + pod.zone + " ";
  return text;
}

TEST_CASE("pods are numbered, and in zones numbered within their zone") {
  struct Row {
    const char* scenario;
    int pods, zones;
    const char* names;
  };
  const Row rows[] = {
      {"no zones", 3, 0, "pod-1@ pod-2@ pod-3@ "},
      {"even zones", 4, 2, "pod-a1@zone-a pod-a2@zone-a pod-b1@zone-b pod-b2@zone-b "},
      {"one more than even", 5, 2, "pod-a1@zone-a pod-a2@zone-a pod-a3@zone-a pod-b1@zone-b pod-b2@zone-b "},
      {"three zones", 7, 3,
       "pod-a1@zone-a pod-a2@zone-a pod-a3@zone-a pod-b1@zone-b pod-b2@zone-b pod-c1@zone-c pod-c2@zone-c "},
  };
  for (const Row& row : rows) {
    INFO(row.scenario);
    CHECK(names(row.pods, row.zones) == row.names);
  }
}

TEST_CASE("addresses are counted up inside one block of the loopback net") {
  CHECK(nth_address("127.0.0.11", 0) == "127.0.0.11");
  CHECK(nth_address("127.3.255.11", kMaxPods - 1) == "127.3.255.254");
  CHECK_THROWS_WITH(nth_address("127.0.0.254", 1), Catch::Contains("leaves no room"));
  for (const char* wrong : {"10.0.0.1", "localhost", "127.0.0", "::1", ""}) {
    INFO(wrong);
    CHECK_THROWS_WITH(nth_address(wrong, 0), Catch::Contains("not a loopback address"));
  }
}

TEST_CASE("a pod is told who and where it is, the user's flags last") {
  ClusterOptions options;
  options.balance = Balance::kZones;
  options.pod_flags = {"--message-delay", "10ms"};
  CHECK(pod_arguments(options, {"pod-a1", "zone-a", "127.0.0.11"}) ==
        std::vector<std::string>{"--bind", "127.0.0.11", "--pod", "pod-a1", "--grpc-port", "50051", "--metrics-port",
                                 "9464", "--zone", "zone-a", "--message-delay", "10ms"});
}

TEST_CASE("pods hold the certificate only where the balancer passes bytes through") {
  ClusterOptions options;
  options.tls = {"c.pem", "k.pem"};
  const auto has_certificate = [&](Balance balance) {
    options.balance = balance;
    const auto arguments = pod_arguments(options, {"pod-1", "", "127.0.0.11"});
    return std::find(arguments.begin(), arguments.end(), "c.pem") != arguments.end();
  };
  CHECK(has_certificate(Balance::kConnection));
  CHECK_FALSE(has_certificate(Balance::kStream));
  CHECK_FALSE(has_certificate(Balance::kZones));
}

TEST_CASE("service discovery is Prometheus' list of target groups") {
  CHECK(sd_document({}) == "[]");
  CHECK(sd_document({{"pod-1", "", "127.0.0.11"}, {"pod-b1", "zone-b", "127.0.0.12"}}) ==
        R"([{"targets":["127.0.0.11:9464"],"labels":{"pod":"pod-1"}},)"
        R"({"targets":["127.0.0.12:9464"],"labels":{"pod":"pod-b1","zone":"zone-b"}}])");
}

TEST_CASE("service discovery answers GET /sd and says so to everybody else") {
  struct Row {
    const char* request;
    const char* status;
  };
  const Row rows[] = {{"GET /sd HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
                      {"GET /sd?x=1 HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
                      {"GET /sdx HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found\r\n"},
                      {"GET /events HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found\r\n"},
                      {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found\r\n"},
                      {"POST /sd HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n"},
                      {"\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n"}};
  for (const Row& row : rows) {
    INFO(row.request);
    CHECK_THAT(sd_answer(row.request, {}), Catch::StartsWith(row.status));
  }
  CHECK_THAT(sd_answer(rows[0].request, {.all = "[1]"}),
             Catch::EndsWith("Content-Length: 3\r\nConnection: close\r\n\r\n[1]"));
  CHECK_THAT(sd_answer("GET /sd/target HTTP/1.1\r\n\r\n", {.all = "[1]", .target = "[2]"}),
             Catch::EndsWith("\r\n\r\n[2]"));
  CHECK_THAT(sd_answer("GET /events HTTP/1.1\r\n\r\n", {}, [] { return std::string("{}\n"); }),
             Catch::EndsWith("Content-Length: 3\r\nConnection: close\r\n\r\n{}\n"));
}

}  // namespace
}  // namespace lgen::cluster
