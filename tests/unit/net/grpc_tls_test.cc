#include <filesystem>
#include <fstream>
#include <string>

#include "certificates.h"
#include "grpc_fixture.h"
#include "hello.pb.h"
#include "raw_listener.h"
#include "server_process.h"

using namespace std::chrono_literals;
using namespace lgen;
using namespace lgen::test;

namespace {

TlsOptions trust(const std::string& ca, const std::string& name = "") {
  TlsOptions options;
  options.ca = ca;
  options.server_name = name;
  return options;
}

ChannelOptions over(const TlsOptions& tls) {
  ChannelOptions options;
  options.tls = tls;
  return options;
}

}  // namespace

TEST_CASE("TLS as it should be: CA and name, a certificate without alternative names, skip-verify, other authority") {
  Certificates certificates;
  const auto guide = certificates.make("guide", {"grpc.example.com"});
  const auto named = certificates.make("named", {"x", "DNS:a.example,DNS:b.example,IP:127.0.0.1"});
  const ServerProcess guide_server({"--tls-cert", guide.cert, "--tls-key", guide.key});
  const ServerProcess named_server({"--tls-cert", named.cert, "--tls-key", named.key});
  struct Row {
    const char* scenario;
    const ServerProcess& server;
    TlsOptions tls;
    std::string authority;
  };
  TlsOptions skip;
  skip.verify = false;
  const std::vector<Row> rows = {
      {"the guide's certificate: a common name only", guide_server, trust(guide.cert, "grpc.example.com"), ""},
      {"an alternative name", named_server, trust(named.cert, "b.example"), ""},
      {"the address itself", named_server, trust(named.cert), ""},
      {"any certificate", guide_server, skip, ""},
      {"any certificate, any authority", guide_server, skip, "route.example"},
      {"a verified name, another authority", named_server, trust(named.cert, "a.example"), "route.example"},
  };
  for (const Row& row : rows) {
    INFO(row.scenario);
    Fixture f;
    ChannelOptions options = over(row.tls);
    options.authority = row.authority;
    const auto channel = f.channel(row.server.target(), options);
    const Outcome ready = f.wait_ready(*channel);
    INFO((ready.ok() ? std::string("ready") : ready.error().message));
    REQUIRE(ready.ok());
    CHECK(f.call(*channel, "/hello.Hello/SayHello", "").status.message == "");
  }
}

TEST_CASE("a certificate that does not fit is explained with its names, its dates and the flags that would help") {
  Certificates certificates;
  const auto other = certificates.make("other", {"other.example.com"});
  const auto guide = certificates.make("guide", {"grpc.example.com"});
  const auto expired = certificates.make("expired", {"old.example.com", "", -30, -2});
  const ServerProcess server({"--tls-cert", guide.cert, "--tls-key", guide.key});
  const ServerProcess expired_server({"--tls-cert", expired.cert, "--tls-key", expired.key});
  const ServerProcess plain;
  const RawListener silent(RawListener::Manner::silent);
  struct Row {
    const char* scenario;
    std::string target;
    TlsOptions tls;
    std::vector<const char*> says;
  };
  const std::vector<Row> rows = {
      {"no CA", server.target(), trust(""), {"--ca", "--skip-verify", "grpc.example.com", "valid 20"}},
      {"wrong CA",
       server.target(),
       trust(other.cert, "grpc.example.com"),
       {"does not vouch", "--ca", "grpc.example.com"}},
      {"wrong name",
       server.target(),
       trust(guide.cert, "wrong.example.com"),
       {"'wrong.example.com' is not in the certificate", "--server-name grpc.example.com"}},
      {"expired",
       expired_server.target(),
       trust(expired.cert, "old.example.com"),
       {"the certificate expired on 20", "--skip-verify", "old.example.com"}},
      {"no TLS there", plain.target(), trust(guide.cert, "grpc.example.com"), {"does not speak TLS", "--plaintext"}},
  };
  for (const Row& row : rows) {
    INFO(row.scenario);
    Fixture f;
    const auto channel = f.channel(row.target, over(row.tls));
    const Outcome outcome = f.wait_ready(*channel);  // long before its deadline: waiting would not help
    REQUIRE_FALSE(outcome.ok());
    INFO(outcome.error().message);
    CHECK(outcome.error().code == ErrorCode::tls);
    const Reply reply = f.call(*channel, "/hello.Hello/SayHello", "");
    CHECK(reply.status.code == GrpcCode::unavailable);
    for (const char* text : row.says) {
      CHECK_THAT(outcome.error().message, Catch::Contains(text));
      CHECK_THAT(reply.status.message, Catch::Contains(text));
    }
  }
}

TEST_CASE("a plaintext channel to a TLS port hints at it") {
  Certificates certificates;
  const auto files = certificates.make("server", {"grpc.example.com"});
  const ServerProcess server({"--tls-cert", files.cert, "--tls-key", files.key});
  Fixture f;
  const auto channel = f.channel(server.target());
  const Outcome outcome = f.wait_ready(*channel, 500ms);
  REQUIRE_FALSE(outcome.ok());
  CHECK_THAT(outcome.error().message, Catch::Contains("--tls"));
}

TEST_CASE("a server that wants a client certificate gets it, and its refusal is explained") {
  Certificates certificates;
  const auto files = certificates.make("server", {"grpc.example.com"});
  const auto client = certificates.make("client", {"client"});
  const ServerProcess server({"--tls-cert", files.cert, "--tls-key", files.key, "--tls-client-ca", client.cert});
  TlsOptions tls = trust(files.cert, "grpc.example.com");
  {
    Fixture f;
    const auto channel = f.channel(server.target(), over(tls));
    const Outcome outcome = f.wait_ready(*channel, 5s);
    REQUIRE_FALSE(outcome.ok());
    CHECK_THAT(outcome.error().message, Catch::Contains("--cert"));
  }
  tls.cert = client.cert;
  tls.key = client.key;
  for (const bool verify : {true, false}) {
    tls.verify = verify;
    Fixture f;
    const auto channel = f.channel(server.target(), over(tls));
    const Outcome outcome = f.wait_ready(*channel);
    INFO((outcome.ok() ? std::string("ready") : outcome.error().message));
    CHECK(outcome.ok());
  }
}

TEST_CASE("TLS files are checked before anything is dialled") {
  Certificates certificates;
  const auto a = certificates.make("a", {"a"});
  const auto b = certificates.make("b", {"b"});
  std::ofstream(certificates.path("junk")) << "no PEM in here\n";
  struct Row {
    const char* scenario;
    TlsOptions tls;
    const char* says;
  };
  const std::vector<Row> rows = {
      {"missing CA", {certificates.path("none"), "", "", "", true}, "No such file"},
      {"CA is no PEM", {certificates.path("junk"), "", "", "", true}, "no PEM certificate"},
      {"certificate without key", {"", a.cert, "", "", true}, "--key"},
      {"key without certificate", {"", "", a.key, "", true}, "--cert"},
      {"key of another certificate", {"", a.cert, b.key, "", true}, "does not belong"},
      {"key is no key", {"", a.cert, a.cert, "", true}, "no readable PEM private key"},
      {"all well", {a.cert, a.cert, a.key, "", true}, ""},
  };
  for (const Row& row : rows) {
    INFO(row.scenario);
    const Outcome outcome = check_tls_files(row.tls);
    CHECK(outcome.ok() == std::string(row.says).empty());
    if (outcome.ok()) continue;
    CHECK(outcome.error().code == ErrorCode::tls);
    CHECK_THAT(outcome.error().message, Catch::Contains(row.says));
  }
}
