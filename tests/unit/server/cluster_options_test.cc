#include "cluster_options.h"
#include "catch.h"

namespace lgen::cluster {
namespace {

std::variant<ClusterOptions, int> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "lgen-cluster");
  return parse_options(static_cast<int>(words.size()), words.data());
}

TEST_CASE("without flags three pods stand behind a balancer of connections") {
  const auto options = std::get<ClusterOptions>(parse({}));
  CHECK(options.pods == 3);
  CHECK(options.balance == Balance::kConnection);
  CHECK(options.zones == 0);
  CHECK(options.port == 18443);
  CHECK(options.base_ip == "auto");
}

TEST_CASE("zones bring two pods each unless told otherwise") {
  CHECK(std::get<ClusterOptions>(parse({"--balance", "zones"})).pods == 4);
  CHECK(std::get<ClusterOptions>(parse({"--balance", "zones", "--zones", "3"})).pods == 6);
  CHECK(std::get<ClusterOptions>(parse({"--balance=zones", "--pods=5"})).pods == 5);
}

TEST_CASE("what follows -- is the pods' and is not read") {
  const auto options = std::get<ClusterOptions>(parse({"--pods", "2", "--", "--message-delay", "10ms", "--", "x"}));
  CHECK(options.pods == 2);
  CHECK(options.pod_flags == std::vector<std::string>{"--message-delay", "10ms", "--", "x"});
}

TEST_CASE("a patience is a number with a unit") {
  using std::chrono::milliseconds;
  CHECK(std::get<ClusterOptions>(parse({"--ready-timeout", "300ms"})).ready_timeout == milliseconds(300));
  CHECK(std::get<ClusterOptions>(parse({"--ready-timeout", "2m"})).ready_timeout == milliseconds(120000));
  CHECK(std::get<ClusterOptions>(parse({"--ready-timeout", "1.5"})).ready_timeout == milliseconds(1500));
}

TEST_CASE("mistakes end with the code of a configuration error, help with 0") {
  CHECK(std::get<int>(parse({"--help"})) == kExitOk);
  const std::vector<std::vector<const char*>> rows = {
      {"--pods", "0"},
      {"--pods", "245"},
      {"--pods", "many"},
      {"--balance", "random"},
      {"--zones", "2"},
      {"--port", "70000"},
      {"--tls-cert", "c"},
      {"--balance", "zones", "--pods", "3"},
      {"--max-streams", "0"},
      {"--ready-timeout", "1d"},
      {"stray"},
      {"--", "--pod=x"},
      {"--", "--grpc-port"},
      {"-f", "x", "--endpoint-delay", "-3s"},
      {"-f", "x", "--endpoint-delay", "1e99h"},
      {"-f", "x", "--endpoint-delay", "3 days"},
      {"-f", "x", "--time-scale", "abc"},
      {"-f", "x", "--time-scale", "nan"},
      {"-f", "x", "--time-scale", "20x"},
  };
  for (const auto& row : rows) {
    INFO(row.front() << " ...");
    CHECK(std::get<int>(parse(row)) == kExitConfiguration);
  }
}

}  // namespace
}  // namespace lgen::cluster
