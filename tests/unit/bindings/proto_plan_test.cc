// Where the schema of a plan may come from: files, descriptor sets, a server's reflection.
#include <cstdlib>
#include <string>

#include "catch.h"
#include "folder.h"
#include "lgen/check.h"
#include "plan_support.h"
#include "reflection_server.h"
#include "server_process.h"

namespace lgen {
namespace {

using namespace lgen::test;

constexpr const char* kChannel = "local ch = lgen.grpc.channel('main', lgen.target)\n";
constexpr const char* kReflected =
    "local ch = lgen.grpc.channel('main', lgen.target)\n"
    "local api = lgen.proto { reflection = ch }\n"
    "local Call = api:method 'd.S/Call'\n";

std::map<std::string, std::string> service_text() {
  return {
      {"d.proto",
       "syntax = \"proto3\"; package d; enum Mood { GLAD = 0; SAD = 1; } message M { string text = 1; Mood mood = 2; } "
       "service S { rpc Call(M) returns (M); rpc Chat(stream M) returns (stream M); }"}};
}

/// The reason why the plan's run ended, "" when nothing was wrong.
std::string end_of(const PlanFile& file, const std::string& target) {
  PlanRun run(file.path(), {{"target", target}});
  REQUIRE(run.load() == "");
  return run.run().run.end_reason;
}

Result<CheckReport> check_file(const PlanFile& file) {
  PlanInput input;
  input.path = file.path();
  REQUIRE(input.options.set(OptionLayer::flags, "target", {"127.0.0.1:1"}, "test").ok());
  return check_plan(std::move(input));
}

}  // namespace

TEST_CASE("a plan's schema may be a descriptor set beside it") {
  const ServerProcess server;
  const Folder folder;
  const std::string command =
      "protoc -I " LGEN_PROTO_FOLDER " --descriptor_set_out=" + folder.path("hello.pb") + " hello.proto";
  REQUIRE(std::system(command.c_str()) == 0);
  folder.write("plan.lua", small_plan("local ch = lgen.grpc.channel('main', lgen.target)\n"
                                      "local api = lgen.proto { protoset = 'hello.pb' }\n"
                                      "local SayHello = api:method 'hello.Hello/SayHello'",
                                      "local reply = assert(ch:call(SayHello, { name = 'x' }))\n"
                                      "lgen.check('replied', #reply.name > 0)\n"
                                      "lgen.check('every test ran', api:types()[1] == 'hello.Greeting')"));
  PlanRun run(folder.path("plan.lua"), {{"target", server.target()}});
  REQUIRE(run.load() == "");
  require_clean(run.run());
}

TEST_CASE("a plan's schema may come from the server, through a channel or a pool") {
  const ServerProcess server;
  for (const char* source :
       {"lgen.grpc.channel('main', lgen.target)", "lgen.grpc.pool('main', lgen.target, { size = 2 })"}) {
    CAPTURE(source);
    const PlanFile file(
        small_plan("local ch = " + std::string(source) +
                       "\n"
                       "local api = lgen.proto { reflection = ch }\n"
                       "local SayHello = api:method '/hello.Hello.SayHello'\n"
                       "local Text = api:method 'streaming.Streamer/ProcessTextStream'\n"
                       "assert(SayHello.name == 'hello.Hello/SayHello' and tostring(Text) == Text.name)\n"
                       "lgen.setup(function()\n"
                       "  assert(SayHello.kind == 'unary' and SayHello.input == 'hello.Greeting')\n"
                       "  return { kind = Text.kind, output = Text.output }\n"
                       "end)",
                   R"lua(
      lgen.check("known in setup", vu.data.kind == "client" and vu.data.output == "streaming.TextResponse")
      local reply = assert(ch:call(SayHello, { name = "x" }))
      lgen.check("called", #reply.name > 0)
      local ready = api:message("hello.Greeting", { name = "y" })
      lgen.check("encoded once", ch:call(SayHello, ready) ~= nil)
      lgen.check("decoded", api:decode("hello.Greeting", ready.bytes).name == "y")
      lgen.check("looked up in run", api:method("lgen.echo.Echo/Unary").kind == "unary")
      local stream = ch:open(Text)
      stream:send { message = "x", channel_id = 1 }
      lgen.check("streamed", stream:close().message_count == 1)
      local raised, why = pcall(ch.call, ch, SayHello, { nam = "x" })
      lgen.check("strict", not raised and why:find("hello.Greeting: unknown field 'nam' (did you mean 'name'?)", 1, true), why)
      lgen.check("every test ran", #api:types() > 5))lua"));
    PlanRun run(file.path(), {{"target", server.target()}});
    REQUIRE(run.load() == "");
    require_clean(run.run());
    CHECK(run.total("grpc_calls") == 2);  // reflection is not counted
  }
}

TEST_CASE("enums of a server's schema are known in run") {
  const ReflectionServer server({.files = service_text()});
  const PlanFile file(small_plan(kReflected, "lgen.check('every test ran', api:enum('d.Mood').SAD == 1)"));
  PlanRun run(file.path(), {{"target", server.target()}});
  REQUIRE(run.load() == "");
  require_clean(run.run());
}

TEST_CASE("where a schema comes from must be said once") {
  struct Row {
    const char* options;
    const char* message;
  };
  const Row rows[] = {
      {"{}",
       "where is the schema? Write files = {\"service.proto\"}, protoset = \"service.pb\" or reflection = channel"},
      {"{ files = 'a.proto', protoset = 'a.pb' }", "files and protoset are both given; a schema has one source"},
      {"{ protoset = 'a.pb', reflection = ch }", "protoset and reflection are both given; a schema has one source"},
      {"{ protoset = 'a.pb', import_paths = 'x' }", "import_paths belong to files, not to protoset"},
      {"{ reflection = ch, import_paths = 'x' }", "import_paths belong to files, not to reflection"},
      {"{ reflection = 'a:1' }", "reflection: a channel or a pool expected, got string \"a:1\""},
      {"{ protoset = 'none.pb' }", "cannot read the descriptor set /tmp/none.pb: No such file or directory"},
      {"{ files = 'none.proto' }", "none.proto: no such file (searched /tmp/); give its folder in import_paths"},
      {"{ protset = 'a.pb' }", "unknown option 'protset' (did you mean 'protoset'?)"},
  };
  for (const Row& row : rows) {
    const PlanFile file(small_plan(std::string(kChannel) + "local api = lgen.proto " + row.options));
    PlanRun run(file.path(), {{"target", "127.0.0.1:1"}});
    CHECK(run.load() == file.path() + ":3: lgen.proto: " + row.message);
  }
}

TEST_CASE("what a server has not told yet cannot be used while the plan loads") {
  const std::pair<const char*, const char*> rows[] = {
      {"api:types()", "api:types: the types come from"},
      {"api:message('d.M', {})", "api:message: the types come from"},
      {"api:enum('d.Mood')", "api:enum: the types come from"},
      {"api:decode('d.M', '')", "api:decode: the types come from"},
      {"local kind = Call.kind", "method.kind: d.S/Call is known from"},
      {"local input = Call.input", "method.input: d.S/Call is known from"},
      {"ch:call(Call, {})", "ch:call: d.S/Call is known from"},
  };
  for (const auto& [text, message] : rows) {
    const PlanFile file(small_plan(kReflected + std::string(text)));
    PlanRun run(file.path(), {{"target", "127.0.0.1:1"}});
    CHECK(run.load() == file.path() + ":5: " + message +
                            " the server's reflection, which is asked after the plan has loaded; move it into "
                            "lgen.setup or run");
  }
  const PlanFile file(small_plan(std::string(kReflected) + "api:method 'Call'"));
  PlanRun run(file.path(), {{"target", "127.0.0.1:1"}});
  CHECK(run.load() == file.path() + ":5: api:method: 'Call' is no method name; write \"package.Service/Method\"");
}

TEST_CASE("a method the server does not have is an error at its api:method") {
  const ReflectionServer server({.files = service_text()});
  const std::pair<const char*, const char*> rows[] = {
      {"d.S/Cal", "service d.S has no method 'Cal' (it has: Call, Chat)"},
      {"d.Z/Call", "no service 'd.Z' (did you mean 'd.S'?)"},
      {"zzz.Other/Call", "no service 'zzz.Other' (the server has: d.S)"},
  };
  for (const auto& [method, message] : rows) {
    const PlanFile file(small_plan(kReflected + std::string("\nlocal Other = api:method '") + method + "'"));
    CHECK(end_of(file, server.target()) == file.path() + ":6: api:method: " + message);
  }
}

TEST_CASE("all methods the server does not have are told at once, as a misfit of the plan") {
  const ReflectionServer server({.files = service_text()});
  const PlanFile file(
      small_plan(std::string(kReflected) + "api:method 'd.S/Cal'\napi:method 'd.Z/Call'", "error('never reached')"));
  PlanRun run(file.path(), {{"target", server.target()}});
  REQUIRE(run.load() == "");
  const std::string both = file.path() + ":5: api:method: service d.S has no method 'Cal' (it has: Call, Chat)\n" +
                           file.path() + ":6: api:method: no service 'd.Z' (did you mean 'd.S'?)";
  CHECK(run.run().run.end_reason == both);
  CHECK(run.plan().misfit() == both);
  CHECK(run.plan().connect_failure() == "");
}

TEST_CASE("a server without reflection: the plan is told what to write instead") {
  const ReflectionServer server({.v1 = false, .v1alpha = false});
  const PlanFile file(small_plan(kReflected, "error('never reached')"));
  CHECK(end_of(file, server.target()) ==
        file.path() + ":3: lgen.proto: " + server.target() +
            " has no server reflection (neither v1 nor v1alpha); give its schema instead: files = {...} or protoset = "
            "\"...\"");
}

TEST_CASE("the channel's metadata goes with the questions") {
  const ReflectionServer server({.files = service_text(), .token = "Bearer 7"});
  for (const char* metadata :
       {"{ authorization = 'Bearer 7' }", "function() return { authorization = 'Bearer 7' } end"}) {
    const PlanFile file(small_plan("local ch = lgen.grpc.channel('main', lgen.target, { metadata = " +
                                       std::string(metadata) + " })\nlocal api = lgen.proto { reflection = ch }",
                                   "lgen.check('every test ran', #api:types() == 1)"));
    PlanRun run(file.path(), {{"target", server.target()}});
    REQUIRE(run.load() == "");
    require_clean(run.run());
  }
  const PlanFile file(
      small_plan("local ch = lgen.grpc.channel('main', lgen.target, { metadata = function() error('no token') end })\n"
                 "local api = lgen.proto { reflection = ch }"));
  CHECK_THAT(end_of(file, server.target()),
             Catch::StartsWith(file.path() + ":3: lgen.proto: ") && Catch::Contains("no token"));
}

TEST_CASE("lgen check says where it could not go on without the server") {
  const PlanFile in_run(small_plan(kReflected, "lgen.sleep(1)\nch:call(Call, {})\nerror('not reached')"));
  auto report = check_file(in_run);
  INFO((report.ok() ? "" : report.error().message));
  REQUIRE(report.ok());
  CHECK(report->untried ==
        std::vector<std::string>{in_run.path() + ":8: ch:call: d.S/Call is known to the server only"});

  const PlanFile in_setup(small_plan(std::string(kReflected) + "lgen.setup(function() return { n = #api:types() } end)",
                                     "error('not reached: ' .. vu.data.n)"));
  report = check_file(in_setup);
  REQUIRE(report.ok());
  CHECK(report->untried ==
        std::vector<std::string>{in_setup.path() + ":5: api:types: the types are known to the server only"});

  const PlanFile in_task(
      small_plan(kReflected, "local t = lgen.spawn(function() ch:open(Call) end)\nassert(t:join())\nerror('no')"));
  report = check_file(in_task);
  REQUIRE(report.ok());
  CHECK(report->untried.size() == 1);

  const PlanFile wrong(small_plan(kReflected, "error('found')\nch:call(Call, {})"));
  CHECK(check_file(wrong).error().message == wrong.path() + ":7: found (scenario 'test')");
}

}  // namespace lgen
