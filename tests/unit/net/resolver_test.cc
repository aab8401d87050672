#include "resolver.h"

#include <algorithm>

#include "net_fixture.h"

using namespace lgen;
using namespace lgen::test;
using Catch::Matchers::Contains;

namespace {

using Found = std::optional<Result<std::vector<Address>>>;

Found look_up(NetFixture& net, const std::string& host, int port = 80) {
  Found found;
  const Op op = resolve(net.loop, host, port, [&](auto result) {
    CHECK_FALSE(found);
    found.emplace(std::move(result));
  });
  CHECK_FALSE(found);
  net.until([&] { return found.has_value(); });
  return found;
}

}  // namespace

TEST_CASE("a numeric address takes no lookup") {
  NetFixture net;
  struct Row {
    const char* host;
    const char* text;
  };
  for (const Row& row :
       {Row{"127.0.0.1", "127.0.0.1:80"}, Row{"::1", "[::1]:80"}, Row{"2001:db8::2", "[2001:db8::2]:80"}}) {
    Found found;
    const Op op = resolve(net.loop, row.host, 80, [&](auto result) { found.emplace(std::move(result)); });
    CHECK(net.loop.open_handles() == 1);  // the timer that completes it: no lookup in the pool
    net.until([&] { return found.has_value(); });
    REQUIRE(found->ok());
    REQUIRE(found->value().size() == 1);
    CHECK(to_string(found->value().front()) == row.text);
    CHECK(found->value().front().port() == 80);
  }
}

TEST_CASE("a name gives all its addresses, in both modes of the loop") {
  NetFixture net(GENERATE(false, true));
  const Found found = look_up(net, "localhost", 8080);
  REQUIRE(found->ok());
  const auto& addresses = found->value();
  CHECK(std::any_of(addresses.begin(), addresses.end(),
                    [](const Address& address) { return to_string(address) == "127.0.0.1:8080"; }));
  CHECK(net.loop.open_handles() == 0);
}

TEST_CASE("a name that is none says so") {
  NetFixture net;
  for (const std::string& host : {std::string("no such name"), std::string(300, 'x')}) {
    const Found found = look_up(net, host);
    REQUIRE_FALSE(found->ok());
    CHECK_THAT(found->error().message, Contains("the name '" + host + "' does not resolve"));
  }
}

TEST_CASE("a lookup is cancelled or dropped") {
  NetFixture net;
  int done = 0;
  Op op = resolve(net.loop, "localhost", 80, [&](const auto& result) {
    ++done;
    CHECK(result.error().code == ErrorCode::cancelled);
  });
  CHECK(net.loop.open_handles() == 1);
  SECTION("cancelled") {
    op.cancel();
    CHECK(done == 0);
    net.until([&] { return done == 1; });
  }
  SECTION("dropped") {
    op.reset();
    CHECK(net.loop.open_handles() == 0);
    net.turns();
    CHECK(done == 0);
  }
  CHECK(net.loop.open_handles() == 0);
}

TEST_CASE("host and port are told apart") {
  CHECK(split_host_port("a:1")->host == "a");
  CHECK(split_host_port("[::1]:1")->host == "::1");
  CHECK(split_host_port(":1")->host.empty());
  for (const char* text : {"a", "a:", "a:b", "::1:1", "[::1]", "[::1:1", "a:-1", "a:65536"}) {
    CAPTURE(text);
    CHECK_FALSE(split_host_port(text));
  }
}
