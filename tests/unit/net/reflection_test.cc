// Schemas out of a server's reflection: the real lgen-server, and a server of the test's own that can be made to behave
// like others' and counts what it is asked.
#include "catch.h"
#include "grpc_fixture.h"
#include "lgen/schema.h"
#include "server_process.h"

using namespace lgen;
using namespace lgen::test;

namespace {

using Names = std::vector<std::string>;
using Loaded = Result<std::unique_ptr<Schema>>;

Loaded reflect(Fixture& fixture, GrpcChannel& channel, const ReflectionOptions& options = {}) {
  std::optional<Loaded> result;
  const Op op = Schema::from_reflection(channel, options, [&](Loaded loaded) {
    CHECK_FALSE(result);
    result = std::move(loaded);
  });
  CHECK_FALSE(result);
  fixture.until([&] { return result.has_value(); });
  return std::move(*result);
}

}  // namespace

TEST_CASE("a server tells its services, methods and types", "[reflection]") {
  ServerProcess server;
  Fixture fixture;
  auto channel = fixture.channel(server.target());
  auto schema = reflect(fixture, *channel);
  INFO((schema.ok() ? "" : schema.error().message));
  REQUIRE(schema.ok());
  CHECK((*schema)->services() == Names{"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                                       "grpc.reflection.v1alpha.ServerReflection", "hello.Hello", "lgen.echo.Echo",
                                       "streaming.Streamer"});
  CHECK((*(*schema)->method("streaming.Streamer/ProcessTextStream"))->kind == MethodKind::client);
  CHECK(*(*schema)->describe("hello.Hello") ==
        "hello.Hello is a service:\nservice Hello {\n  rpc SayHello ( .hello.Greeting ) returns ( .hello.Introduction "
        ");\n}");
  CHECK((*schema)->method("zzz.Q/X").error().message.find("(the server has: grpc.health.v1.Health, ") !=
        std::string::npos);
}
