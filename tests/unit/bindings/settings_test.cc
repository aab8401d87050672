// The engine's options: layers, their precedence, their values.
#include "lgen/settings.h"

#include <cstdlib>

#include "catch.h"

namespace lgen {
namespace {

/// Sets an option that must be known.
void set(EngineOptions& options, OptionLayer layer, std::string_view name, std::vector<std::string> values) {
  REQUIRE(options.set(layer, name, std::move(values), "test").ok());
}

Settings resolved(const EngineOptions& options) {
  auto settings = options.resolve();
  INFO((settings ? "" : settings.error().message));
  REQUIRE(settings.ok());
  return *settings;
}

TEST_CASE("the strongest layer of an option wins") {
  EngineOptions options;
  CHECK(resolved(options).stop_timeout == std::chrono::seconds(10));
  for (const OptionLayer layer :
       {OptionLayer::plan, OptionLayer::config, OptionLayer::environment, OptionLayer::flags}) {
    const int n = static_cast<int>(layer) + 1;
    set(options, layer, "stop-timeout", {std::to_string(n) + "s"});
    CHECK(resolved(options).stop_timeout == std::chrono::seconds(n));
    CHECK(options.text("stop-timeout") == std::to_string(n) + "s");
  }
  EngineOptions reversed;
  set(reversed, OptionLayer::flags, "seed", {"1"});
  set(reversed, OptionLayer::plan, "seed", {"2"});
  CHECK(resolved(reversed).seed == 1);
  CHECK(resolved(reversed).seed_given);
}

TEST_CASE("tags and load fields of all layers count, the strongest last") {
  EngineOptions options;
  set(options, OptionLayer::flags, "tag", {"a=flag"});
  set(options, OptionLayer::config, "tag", {"a=config", "b=config"});
  set(options, OptionLayer::flags, "vus", {"7"});
  set(options, OptionLayer::config, "vus", {"s=3"});
  options.override_load({"t", "vus", "4", "c.json: scenarios.t.vus"});
  const Settings settings = resolved(options);
  using Tags = std::vector<std::pair<std::string, std::string>>;
  CHECK(settings.tags == Tags{{"a", "config"}, {"b", "config"}, {"a", "flag"}});
  REQUIRE(settings.load_overrides.size() == 3);
  CHECK(settings.load_overrides[0].scenario == "s");
  CHECK(settings.load_overrides[1].scenario == "t");
  CHECK(settings.load_overrides[2].value == "7");
}

TEST_CASE("an unknown option is refused with a guess") {
  EngineOptions options;
  const Outcome unknown = options.set(OptionLayer::config, "serevr-name", {"x"}, "--config c.json");
  REQUIRE(!unknown.ok());
  CHECK(unknown.error().message ==
        "--config c.json: unknown engine option 'serevr-name' (did you mean 'server-name'?)");
}

TEST_CASE("TLS is chosen by flags, else by port, and the choice is told") {
  struct Row {
    std::vector<std::pair<std::string, std::string>> options;
    std::string security;
    bool tls;
  };
  const Row rows[] = {
      {{{"target", "h:50051"}}, "plaintext", false},
      {{{"target", "h:443"}}, "TLS, system roots (because of port 443)", true},
      {{{"target", "dns:///h:443"}}, "TLS, system roots (because of port 443)", true},
      {{{"target", "[::1]:443"}, {"plaintext", "true"}}, "plaintext", false},
      {{{"target", "h:1"}, {"tls", "true"}}, "TLS, system roots", true},
      {{{"target", "h:1"}, {"ca", "c.pem"}, {"server-name", "n"}}, "TLS, CA c.pem, name n", true},
      {{{"target", "h:1"}, {"skip-verify", "true"}}, "TLS, certificate not verified", true},
      {{{"target", "h:1"}, {"plaintext", "true"}, {"skip-verify", "false"}}, "plaintext", false},
  };
  for (const Row& row : rows) {
    EngineOptions options;
    for (const auto& [name, value] : row.options) set(options, OptionLayer::flags, name, {value});
    const Settings settings = resolved(options);
    CHECK(settings.security == row.security);
    CHECK(settings.tls.has_value() == row.tls);
  }
}

TEST_CASE("the server name is the authority, unless another is given") {
  EngineOptions options;
  set(options, OptionLayer::flags, "server-name", {"n"});
  CHECK(resolved(options).authority == "n");
  set(options, OptionLayer::flags, "authority", {"a"});
  CHECK(resolved(options).authority == "a");
}

TEST_CASE("every option can come from the environment") {
  ::setenv("LGEN_WAIT_READY", "7s", 1);
  EngineOptions options;
  const Outcome read = options.read_environment();
  ::unsetenv("LGEN_WAIT_READY");
  REQUIRE(read.ok());
  CHECK(resolved(options).wait_ready == std::chrono::seconds(7));
  using Given = std::vector<std::pair<std::string, std::string>>;
  CHECK(options.given() == Given{{"wait-ready", "7s"}});
}

TEST_CASE("--trace alone means one call") {
  EngineOptions options;
  CHECK(resolved(options).trace == 0);
  set(options, OptionLayer::flags, "trace", {""});
  CHECK(resolved(options).trace == 1);
  set(options, OptionLayer::flags, "trace", {"5"});
  CHECK(resolved(options).trace == 5);
}

}  // namespace
}  // namespace lgen
