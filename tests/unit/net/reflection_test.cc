// Schemas out of a server's reflection: the real lgen-server, and a server that can be made to behave like others' and
// counts what it is asked.
#include "catch.h"
#include "grpc_fixture.h"
#include "lgen/schema.h"
#include "reflection_server.h"
#include "server_process.h"

using namespace lgen;
using namespace lgen::test;

namespace {

using Names = std::vector<std::string>;
using Loaded = Result<std::unique_ptr<Schema>>;

Loaded reflect(Fixture& fixture, GrpcChannel& channel, const ReflectionOptions& options = {}) {
  std::optional<Loaded> result;
  const Op op = Schema::from_reflection(channel, options, [&](Loaded loaded) {
    CHECK_FALSE(result);  // exactly once
    result = std::move(loaded);
  });
  CHECK_FALSE(result);  // never inside the starting call
  fixture.until([&] { return result.has_value(); });
  return std::move(*result);
}

std::unique_ptr<Schema> schema_of(const ReflectionServer& server, const ReflectionOptions& options = {}) {
  Fixture fixture;
  auto channel = fixture.channel(server.target());
  auto loaded = reflect(fixture, *channel, options);
  INFO((loaded.ok() ? "" : loaded.error().message));
  REQUIRE(loaded.ok());
  return *std::move(loaded);
}

Error failure(const ReflectionServer& server, const ReflectionOptions& options = {}) {
  Fixture fixture;
  auto channel = fixture.channel(server.target());
  auto loaded = reflect(fixture, *channel, options);
  REQUIRE_FALSE(loaded.ok());
  return loaded.error();
}

/// top.proto imports left.proto and right.proto, both import bottom.proto, left.proto publicly.
std::map<std::string, std::string> diamond() {
  const std::string head = "syntax = \"proto3\"; package d; ";
  return {
      {"top.proto", head + "import \"left.proto\"; import \"right.proto\"; message Top { Bottom b = 1; Right r = 2; }"
                           "service Top1 { rpc Call(Top) returns (Bottom); }"
                           "service Top2 { rpc Call(stream Top) returns (stream Bottom); }"},
      {"left.proto", head + "import public \"bottom.proto\"; message Left {}"},
      {"right.proto", head + "import \"bottom.proto\"; message Right { Bottom b = 1; }"},
      {"bottom.proto", head + "import \"google/protobuf/timestamp.proto\"; message Bottom { google.protobuf.Timestamp "
                              "at = 1; } service Low { rpc Call(Bottom) returns (Bottom); }"}};
}

constexpr const char* kInstead = "give its schema instead: .proto files or a descriptor set";

}  // namespace

TEST_CASE("lgen-server tells its services, methods and types", "[reflection]") {
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
        "hello.Hello is a service:\nservice Hello {\n"
        "  rpc SayHello ( .hello.Greeting ) returns ( .hello.Introduction );\n}");
  CHECK((*schema)->method("hello.Helo/SayHello").error().message ==
        "no service 'hello.Helo' (did you mean 'hello.Hello'?)");
  CHECK((*schema)->method("zzz.Q/X").error().message ==
        "no service 'zzz.Q' (the server has: grpc.health.v1.Health, grpc.reflection.v1.ServerReflection, "
        "grpc.reflection.v1alpha.ServerReflection, hello.Hello, lgen.echo.Echo, streaming.Streamer)");
}

TEST_CASE("v1 is asked first, v1alpha where v1 is unknown", "[reflection]") {
  const Names questions = {"services *", "symbol d.Low", "symbol d.Top1", "file left.proto", "file right.proto"};
  const std::pair<bool, std::string> rows[] = {{true, "v1 "}, {false, "v1alpha "}};
  for (const auto& [v1, version] : rows) {
    CAPTURE(version);
    ReflectionServer server({.files = diamond(), .v1 = v1});
    auto schema = schema_of(server);
    CHECK(schema->methods() == Names{"d.Low/Call", "d.Top1/Call", "d.Top2/Call"});
    Names expected;
    for (const std::string& question : questions) expected.push_back(version + question);
    // A file that is at hand is not asked for again: bottom.proto came with d.Low, d.Top2 with d.Top1.
    CHECK(server.asked() == expected);
  }
}

TEST_CASE("every import is fetched once, whoever needs it", "[reflection]") {
  auto files = diamond();
  files["bottom.proto"] = "syntax = \"proto3\"; package d; message Bottom {}";
  ReflectionServer server({.files = files});
  auto schema = schema_of(server);
  CHECK(server.asked() == Names{"v1 services *", "v1 symbol d.Top1", "v1 file left.proto", "v1 file right.proto",
                                "v1 file bottom.proto"});
  CHECK((*schema->message("d.Top"))->find("b")->message->name == "d.Bottom");  // through the public import
}

TEST_CASE("a server that sends all imports with a file is asked for none", "[reflection]") {
  auto files = diamond();
  files["bottom.proto"] = "syntax = \"proto3\"; package d; message Bottom {}";
  ReflectionServer server({.files = files, .with_imports = true});
  auto schema = schema_of(server);
  CHECK(server.asked() == Names{"v1 services *", "v1 symbol d.Top1"});
  CHECK(schema->messages().size() == 4);
}

TEST_CASE("a conversation ends in order, and leaves nothing behind", "[reflection]") {
  ReflectionServer server({.files = diamond()});
  Fixture fixture;
  auto channel = fixture.channel(server.target());
  REQUIRE(reflect(fixture, *channel).ok());
  fixture.until([&] { return server.ended() == 1; });
  CHECK(server.cancelled() == 0);
  CHECK(channel->open_calls() == 0);
}

TEST_CASE("extensions of a message are fetched, too, and are no matter when refused", "[reflection]") {
  const std::map<std::string, std::string> files = {
      {"box.proto",
       "syntax = \"proto2\"; package x; message Box { extensions 100 to 200; } "
       "service S { rpc Call(Box) returns (Box); }"},
      {"colour.proto",
       "syntax = \"proto2\"; package x; import \"box.proto\"; extend Box { optional string colour = 100; }"}};
  {
    ReflectionServer server({.files = files});
    auto schema = schema_of(server);
    CHECK(server.asked() == Names{"v1 services *", "v1 symbol x.S", "v1 numbers x.Box", "v1 extension x.Box 100"});
    CHECK(*schema->describe("x.colour") ==
          "x.colour is an extension:\nextend .x.Box {\n  optional string colour = 100;\n}");
  }
  ReflectionServer server({.files = files, .refused = {"x.Box"}});
  CHECK(schema_of(server)->methods() == Names{"x.S/Call"});
}

TEST_CASE("a service that is listed but not described is an error only where it is used", "[reflection]") {
  auto files = diamond();
  files["alone.proto"] = "syntax = \"proto3\"; package e; message M {} service Alone { rpc Call(M) returns (M); }";
  ReflectionServer server({.files = files, .refused = {"right.proto"}, .nameless = {"gone.Service"}});
  auto schema = schema_of(server);
  CHECK(schema->services() == Names{"d.Low", "d.Top1", "d.Top2", "e.Alone", "gone.Service"});
  CHECK(schema->methods() == Names{"d.Low/Call", "e.Alone/Call"});
  CHECK(schema->method("e.Alone/Call").ok());
  CHECK(schema->method("gone.Service/Call").error().message ==
        "the server has service gone.Service, but does not describe it (NOT_FOUND: unknown: gone.Service); give its "
        ".proto files or a descriptor set instead of reflection");
  CHECK(
      schema->method("d.Top1/Call").error().message ==
      "the server has service d.Top1, but does not describe it (top.proto imports \"right.proto\", NOT_FOUND: unknown: "
      "right.proto); give its .proto files or a descriptor set instead of reflection");
  CHECK(schema->describe("gone.Service").error().message == schema->method("gone.Service/Call").error().message);
}

TEST_CASE("a server without reflection: what to pass instead", "[reflection]") {
  ReflectionServer server({.v1 = false, .v1alpha = false});
  const Error error = failure(server);
  CHECK(error.code == ErrorCode::not_found);
  CHECK(error.message == server.target() + " has no server reflection (neither v1 nor v1alpha); " + kInstead);
}

TEST_CASE("metadata goes with the reflection calls", "[reflection]") {
  ReflectionServer server({.files = diamond(), .token = "Bearer x"});
  ReflectionOptions options;
  options.metadata = {{"authorization", "Bearer x"}};
  CHECK(schema_of(server, options)->services().size() == 3);
  const Error error = failure(server);
  CHECK(error.code == ErrorCode::unavailable);
  CHECK(error.message == "reflection of " + server.target() +
                             ": UNAUTHENTICATED: no token; pass what it wants in the metadata, or " + kInstead);
}

TEST_CASE("a server that answers nonsense, or nothing, is told apart", "[reflection]") {
  struct Row {
    const char* scenario;
    ReflectionBehaviour behaviour;
    ErrorCode code;
    std::string message;
  };
  const Row rows[] = {
      {"no list",
       {.lists = false},
       ErrorCode::unavailable,
       "it does not list its services (NOT_FOUND: unknown: the list)"},
      {"ends early",
       {.hang_up = true},
       ErrorCode::protocol,
       std::string("the server ended the stream before it had answered; ") + kInstead},
      {"no descriptor",
       {.files = diamond(), .garbage = "d.Low"},
       ErrorCode::protocol,
       "it sent a file descriptor that cannot be read"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.scenario);
    ReflectionServer server(row.behaviour);
    const Error error = failure(server);
    CHECK(error.code == row.code);
    CHECK(error.message == "reflection of " + server.target() + ": " + row.message);
  }
}

TEST_CASE("a server that does not answer in time, or is not there", "[reflection]") {
  ReflectionServer server({.hang = true});
  ReflectionOptions options;
  options.timeout = std::chrono::milliseconds(50);
  const Error late = failure(server, options);
  CHECK(late.code == ErrorCode::timeout);
  CHECK(late.message == "reflection of " + server.target() + ": not over within 50ms; " + kInstead);

  Fixture fixture;
  auto channel = fixture.channel("127.0.0.1:1");
  auto loaded = reflect(fixture, *channel);
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.error().code == ErrorCode::unavailable);
  CHECK(loaded.error().message.starts_with("reflection of 127.0.0.1:1: UNAVAILABLE: "));
}

TEST_CASE("a dropped question is cancelled and never answered; a cancelled one says so", "[reflection]") {
  ReflectionServer server({.hang = true});
  Fixture fixture;
  auto channel = fixture.channel(server.target());
  bool called = false;
  Op op = Schema::from_reflection(*channel, {}, [&](Loaded) { called = true; });
  fixture.until([&] { return server.asked().size() == 1; });
  op.reset();
  fixture.until([&] { return server.cancelled() == 1; });
  fixture.until([&] { return channel->open_calls() == 0; });
  CHECK_FALSE(called);

  std::optional<Loaded> result;
  op = Schema::from_reflection(*channel, {}, [&](Loaded loaded) { result = std::move(loaded); });
  fixture.until([&] { return server.asked().size() == 2; });
  op.cancel();
  fixture.until([&] { return result.has_value(); });
  CHECK(result->error().code == ErrorCode::cancelled);
}

TEST_CASE("an Op may be dropped inside its own completion", "[reflection]") {
  ReflectionServer server({.files = diamond(), .v1 = false});
  Fixture fixture;
  auto channel = fixture.channel(server.target());
  Op op;
  bool called = false;
  op = Schema::from_reflection(*channel, {}, [&](Loaded loaded) {
    called = loaded.ok();
    op.reset();
  });
  fixture.until([&] { return called; });
  fixture.until([&] { return channel->open_calls() == 0; });
}
