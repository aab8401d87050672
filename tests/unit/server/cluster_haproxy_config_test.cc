#include "golden.h"
#include "haproxy.h"
#include "haproxy_config.h"

namespace lgen::cluster {
namespace {

BalancerSpec spec_of(Balance balance, int pods, int zones) {
  ClusterOptions options;
  options.pods = pods;
  options.balance = balance;
  options.zones = zones;
  return {
      .balance = balance, .pods = lay_out_pods(options, "127.0.0.11"), .run_dir = "/run/c", .max_connections = 9750};
}

TEST_CASE("the three ways of balancing have the checked shapes") {
  test::check_golden("cluster/connection.cfg", haproxy_config(spec_of(Balance::kConnection, 3, 0)));
  test::check_golden("cluster/stream.cfg", haproxy_config(spec_of(Balance::kStream, 3, 0)));
  test::check_golden("cluster/zones.cfg", haproxy_config(spec_of(Balance::kZones, 4, 2)));
}

TEST_CASE("several fronts whose pods the runtime API lets in") {
  BalancerSpec first = spec_of(Balance::kConnection, 2, 0), second = spec_of(Balance::kStream, 2, 0);
  BalancerSpec third = spec_of(Balance::kZones, 4, 2);
  second.prefix = "web-80-";
  second.http1 = true;
  second.port = 8100;
  third.prefix = "hello-8000-";
  for (BalancerSpec* spec : {&first, &second, &third}) spec->managed = true;
  test::check_golden("cluster/fronts.cfg", haproxy_config({first, second, third}));
}

TEST_CASE("a certificate is the front's business and nobody else's") {
  for (const Balance balance : {Balance::kStream, Balance::kZones}) {
    BalancerSpec spec = spec_of(balance, 4, balance == Balance::kZones ? 2 : 0);
    spec.pem = "/run/c/front.pem";
    const std::string text = haproxy_config(spec);
    INFO(text);
    const std::size_t first = text.find("ssl crt /run/c/front.pem alpn h2");
    CHECK(first != std::string::npos);
    CHECK(text.find("ssl", first + 3) == std::string::npos);
  }
}

TEST_CASE("the limits given are the limits written") {
  BalancerSpec spec = spec_of(Balance::kStream, 3, 0);
  spec.max_streams = 30000;
  spec.max_connections = 123;
  spec.threads = 4;
  const std::string text = haproxy_config(spec);
  CHECK(text.find("tune.h2.max-concurrent-streams 30000\n") != std::string::npos);
  CHECK(text.find("maxconn 123\n") != std::string::npos);
  CHECK(text.find("nbthread 4\n") != std::string::npos);
}

TEST_CASE("a missing HAProxy is answered with the way to install it") {
  for (const char* name : {"no-such-haproxy", "/nowhere/haproxy"}) {
    CHECK_THROWS_WITH(find_haproxy(name, "/bin:/usr/bin"), Catch::Contains("apt-get install haproxy"));
  }
  CHECK(find_haproxy("sh", "/nowhere:/bin") == "/bin/sh");
  CHECK(find_haproxy("/bin/sh", "") == "/bin/sh");
}

}  // namespace
}  // namespace lgen::cluster
