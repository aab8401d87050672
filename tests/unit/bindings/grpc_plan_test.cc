// lgen.proto and lgen.grpc as plans use them, against the real lgen-server.
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "catch.h"
#include "grpc_plan_run.h"
#include "server_process.h"

namespace lgen {
namespace {

using test::EngineFlag;
using test::plan_text;
using test::PlanFile;
using test::PlanRun;
using test::ServerProcess;

void require_clean(const Summary& summary) {
  for (const ErrorSample& error : summary.errors) {
    INFO(error.where << ": " << error.message);
    CHECK(error.code != "plan");
  }
  for (const CheckResult& check : summary.checks) {
    INFO(check.name << " -- " << check.first_failure);
    CHECK(check.fails == 0);
  }
  CHECK(summary.conservation == "");
  REQUIRE(summary.checks.size() > 0);
  CHECK(summary.checks.back().name == "every test ran");
}

const SeriesSnapshot sum_of(const Summary& summary, std::string_view metric, const Labels& labels) {
  const MetricSnapshot* found = summary.metrics.find(metric);
  REQUIRE(found);
  return aggregate(*found, labels);
}

TEST_CASE("unary calls behave as the plan API says") {
  const ServerProcess server;
  PlanRun run(LGEN_LUA_TESTS "/grpc_calls.lua", {{"target", server.target()}});
  REQUIRE(run.load() == "");
  const Summary& summary = run.run();
  require_clean(summary);
  const Labels main = make_labels({{"channel", "main"}, {"method", "hello.Hello/SayHello"}, {"code", "OK"}});
  CHECK(sum_of(summary, "grpc_calls", main).value == 3);
  CHECK(sum_of(summary, "grpc_calls", make_labels({{"code", "DEADLINE_EXCEEDED"}})).value == 2);
  CHECK(sum_of(summary, "grpc_calls", make_labels({{"backend", "unknown"}, {"channel", "by_trailer"}})).value == 1);
  // On a busy machine the server may notice the deadline first, and names itself then.
  const Labels late = make_labels({{"channel", "main"}, {"code", "DEADLINE_EXCEEDED"}});
  CHECK(sum_of(summary, "grpc_calls", late).value == 1);
}

TEST_CASE("streams of all kinds behave as the plan API says") {
  const ServerProcess server({"--pod", "pod-a"});
  PlanRun run(LGEN_LUA_TESTS "/grpc_streams.lua", {{"target", server.target()}});
  REQUIRE(run.load() == "");
  const Summary& summary = run.run();
  require_clean(summary);
  CHECK(sum_of(summary, "grpc_streams_leaked", {}).value == 1);
  CHECK(sum_of(summary, "grpc_streams_active", {}).value == 0);
  CHECK(sum_of(summary, "grpc_streams_opened", {}).value == sum_of(summary, "grpc_streams_ended", {}).value);
  CHECK(sum_of(summary, "grpc_streams_ended", make_labels({{"backend", "pod-a"}, {"code", "OK"}})).value >= 6);
  const Labels text = make_labels({{"method", "streaming.Streamer/ProcessTextStream"}});
  CHECK(sum_of(summary, "grpc_messages_confirmed", text).value == 101);
}

TEST_CASE("channels and pools behave as the plan API says") {
  const ServerProcess server;
  PlanRun run(LGEN_LUA_TESTS "/grpc_channels.lua", {{"target", server.target()}});
  REQUIRE(run.load() == "");
  const Summary& summary = run.run();
  require_clean(summary);

  std::uint64_t sharing = 0, single = 0;
  for (const ChannelSummary& channel : summary.channels) {
    if (channel.pool == "shared") {
      ++sharing;
      CHECK(channel.connection == "shared");
      CHECK(channel.connections == 1);  // the one that all of them use
    }
    if (channel.name == "single") single = channel.connections;
  }
  CHECK(sharing == 3);
  CHECK(single == 2);
  bool told = false;
  for (const EventRecord& event : summary.events) told = told || event.name == "reconnected";
  CHECK(told);
  bool left = false;
  for (const ConnectionRecord& record : summary.connections) {
    if (record.channel != "single" || record.connection != 1) continue;
    CHECK(record.peer == server.target());
    left = record.closed_at.has_value();
  }
  CHECK(left);
}

TEST_CASE("plan mistakes are found at load, with line and suggestion") {
  struct Row {
    const char* top;
    const char* message;  // after "FILE:3: "
  };
  const Row rows[] = {
      {"lgen.grpc.pool('main', 'a:1', { pik = 'random' })",
       "lgen.grpc.pool \"main\": unknown option 'pik' (did you mean 'pick'?)"},
      {"lgen.grpc.pool('main', 'a:1', { pick = 'randm' })",
       "lgen.grpc.pool \"main\": pick: unknown value 'randm' (did you mean 'random'?)"},
      {"lgen.grpc.channel('main', 'a:1', { size = 3 })", "lgen.grpc.channel \"main\": unknown option 'size'"},
      {"lgen.grpc.channel('main', 'a:1', { transport = 'h4' })",
       "lgen.grpc.channel \"main\": transport: unknown value 'h4' (did you mean 'h2'?)"},
      {"lgen.grpc.channel('main', 'a:1', { transport = 'h2', lb = 'round_robin' })",
       "lgen.grpc.channel \"main\": lb: 'round_robin' spreads calls over several connections"},
      {"lgen.grpc.pool('main', 'a:1', { transport = 'h2', args = { ['grpc.x'] = 1 } })",
       "lgen.grpc.pool \"main\": args['grpc.x']: channel arguments are gRPC core's"},
      {"lgen.grpc.channel('main', 'a:1', { transport = 'h2', retries = true })",
       "lgen.grpc.channel \"main\": retries: transport \"h2\" makes every call once"},
      {"lgen.grpc.channel('main', 'a:1', { tls = 'yes' })",
       "lgen.grpc.channel \"main\": tls: boolean expected, got string \"yes\""},
      {"lgen.grpc.channel('main', 'a:1', { tls = { caa = 'x' } })",
       "lgen.grpc.channel \"main\": tls: unknown option 'caa' (did you mean 'ca'?)"},
      {"lgen.grpc.channel('main', 'a:1', { keepalive = { time = 0 } })",
       "lgen.grpc.channel \"main\": keepalive: time: a time longer than 0 is expected"},
      {"lgen.grpc.channel('main', 'a:1', { keepalive = { time = 1, timeout = 0 } })",
       "lgen.grpc.channel \"main\": keepalive: timeout: a time longer than 0 is expected"},
      {"lgen.grpc.channel('main', 'a:1', { keepalive = { timeout = 1 } })",
       "lgen.grpc.channel \"main\": keepalive: time: a time longer than 0 is expected"},
      {"lgen.grpc.channel('main', 'a:1', { keepalive = { time = 'soon' } })",
       "lgen.grpc.channel \"main\": keepalive: time: "},
      {"lgen.grpc.channel('main', 'a:1', { backend = {} })",
       "lgen.grpc.channel \"main\": backend: give one of header, trailer, field, peer"},
      {"lgen.grpc.channel('main', 'a:1', { service_config = 5 })",
       "lgen.grpc.channel \"main\": service_config: JSON text or a table expected, got number 5"},
      {"lgen.grpc.pool('main', 'a:1', { service_config = { methodConfig = print } })",
       "lgen.grpc.pool \"main\": service_config: JSON has no function"},
      {"lgen.grpc.pool('main', 'a:1', { service_config = { methodConfg = {} } })",
       "lgen.grpc.pool \"main\": service_config: unknown key 'methodConfg' (did you mean 'methodConfig'?)"},
      {"lgen.grpc.channel('main', 'a:1', { service_config = { methodConfig = { { retryPolicy = { maxAttempts = true } "
       "} } } "
       "})",
       "lgen.grpc.channel \"main\": service_config: methodConfig[1].retryPolicy.maxAttempts: number expected, got "
       "true"},
      {"lgen.grpc.channel('main', 'a:1', { service_config = '{\"methodConfig\":[{\"timeout\":\"1\"}]}' })",
       "lgen.grpc.channel \"main\": service_config: methodConfig[1].timeout: a duration such as \"0.5s\" expected, got "
       "\"1\""},
      {"lgen.grpc.channel('main', 'a:1', { service_config = '[]' })",
       "lgen.grpc.channel \"main\": service_config: object expected, got []"},
      {"lgen.grpc.channel('main', 'a:1', { service_config = '{' })",
       "lgen.grpc.channel \"main\": service_config is not valid JSON: {"},
      {"lgen.grpc.channel('main', 'a:1', { service_config = { loadBalancingConfig = { { no_such = {} } } } })",
       "lgen.grpc.channel \"main\": service_config: gRPC refuses it"},
      {"lgen.grpc.pool('main', 'a:1', { size = 0 })", "lgen.grpc.pool \"main\": size: 0 is out of range"},
      {"lgen.grpc.channel('main')",
       "lgen.grpc.channel \"main\": the target is missing; write lgen.target or \"host:port\""},
      {"lgen.grpc.channel('main', 'a:1') lgen.grpc.pool('main', 'a:1')",
       "lgen.grpc.pool \"main\": there is a channel or pool of that name already ("},
      {"api:method 'streaming.Streamer/ProcessTextStrem'",
       "api:method: service streaming.Streamer has no method 'ProcessTextStrem'"},
      {"lgen.proto { flies = { 'x.proto' } }", "lgen.proto: unknown option 'flies' (did you mean 'files'?)"},
      {"lgen.proto { files = { 'nowhere.proto' } }", "lgen.proto: "},
      {"lgen.grpc.channel('main', 'a:1'):wait_ready()",
       "network call while the plan is loading (ch:wait_ready); move it into lgen.setup or run"},
      {"lgen.grpc.channel('main', 'a:1'):call('/a.B/C', '')", "network call while the plan is loading (ch:call)"},
      {"lgen.grpc.channel('main', 'a:1'):open('/a.B/C')", "network call while the plan is loading (ch:open)"},
      {"lgen.grpc.channel('main', 'a:1'):connect()", "network call while the plan is loading (ch:connect)"},
  };
  for (const Row& row : rows) {
    const PlanFile file(plan_text(row.top, ""));
    PlanRun run(file.path());
    CHECK_THAT(run.load(), Catch::StartsWith(file.path() + ":3: " + row.message));
  }
}

TEST_CASE("channels that do not connect end the run before it starts") {
  const PlanFile file(plan_text("lgen.grpc.pool('main', lgen.target, { size = 2 })", "error('never reached')"));
  PlanRun run(file.path(), {{"target", "127.0.0.1:1"}, {"wait-ready", "100ms"}});
  REQUIRE(run.load() == "");
  run.run();
  CHECK_THAT(run.plan().connect_failure(), Catch::Contains("channel \"main[1]\": 127.0.0.1:1 refuses connections") &&
                                               Catch::Contains("(2 of 2 channels are not ready)") &&
                                               Catch::Contains("--target 127.0.0.1:1 right?"));
  CHECK(run.total("iterations") == 0);
}

TEST_CASE("the trace shows a call whole") {
  const ServerProcess server({"--pod", "pod-a"});
  const PlanFile file(plan_text("local ch = lgen.grpc.channel('main', lgen.target)",
                                "for i = 1, 3 do ch:call(api:method 'hello.Hello/SayHello', { name = 'n' .. i }, { "
                                "metadata = { k = 'v' } }) end"));
  char name[] = "/tmp/lgen_trace_XXXXXX";
  const int copy = ::mkstemp(name), stderr_fd = ::dup(STDERR_FILENO);
  ::fflush(stderr);
  ::dup2(copy, STDERR_FILENO);
  {
    PlanRun run(file.path(), {{"target", server.target()}, {"trace", "2"}, {"quiet", "true"}});
    REQUIRE(run.load() == "");
    run.run();
  }
  ::fflush(stderr);
  ::dup2(stderr_fd, STDERR_FILENO);
  std::ifstream file_in(name);
  const std::string text((std::istreambuf_iterator<char>(file_in)), {});
  std::remove(name);
  CHECK_THAT(text, Catch::Contains("trace #1 hello.Hello/SayHello on channel main\n"));
  CHECK_THAT(text, Catch::Contains("trace #1 > metadata {k = \"v\"}\n"));
  CHECK_THAT(text, Catch::Contains("trace #2 > message of 4 bytes {name = \"n2\"}\n"));
  CHECK_THAT(text, Catch::Contains("[\"x-backend\"] = \"pod-a\""));
  CHECK_THAT(text, Catch::Contains("trace #2 < status OK, trailers {}"));
  CHECK_THAT(text, !Catch::Contains("trace #3"));
}

TEST_CASE("tags of task, channel and call label what is counted") {
  const ServerProcess server;
  const PlanFile file(
      plan_text("local ch = lgen.grpc.channel('main', lgen.target, { tags = { tier = 'gold', kind = 'channel' } })",
                "ch:call(api:method 'hello.Hello/SayHello', {}, { tags = { kind = 'call' } })"
                "ch:call(api:method 'hello.Hello/SayHello', {})"));
  PlanRun run(file.path(), {{"target", server.target()}});
  REQUIRE(run.load() == "");
  run.run();
  CHECK(run.total("grpc_calls", make_labels({{"tier", "gold"}, {"kind", "call"}})) == 1);
  CHECK(run.total("grpc_calls", make_labels({{"tier", "gold"}, {"kind", "channel"}})) == 1);
}

TEST_CASE("tags with a value of their own for every call share one call site beyond 1000 sets") {
  const ServerProcess server;
  const PlanFile file(plan_text(
      "local ch = lgen.grpc.channel('main', lgen.target, { tags = { tier = 'gold' } })",
      "for i = 1, 1010 do ch:call(api:method 'hello.Hello/SayHello', {}, { tags = { user = '' .. i } }) end"));
  PlanRun run(file.path(), {{"target", server.target()}});
  REQUIRE(run.load() == "");
  const Summary& summary = run.run();
  CHECK(run.total("grpc_calls") == 1010);
  CHECK(run.total("grpc_calls", make_labels({{"user", "1000"}, {"tier", "gold"}})) == 1);
  CHECK(run.total("grpc_calls", make_labels({{"user", "1001"}})) == 0);
  CHECK(run.total("grpc_calls", make_labels({{"overflow", "true"}})) == 10);
  const std::vector<std::string>& notes = summary.run.notes;
  CHECK(std::any_of(notes.begin(), notes.end(), [](const std::string& note) {
    return note.starts_with("tags: more than 1000 sets") && note.ends_with("that was done 10 times");
  }));
}

TEST_CASE("a plan that ends with streams open cancels and counts them") {
  const ServerProcess server;
  const PlanFile file(plan_text("local ch = lgen.grpc.channel('main', lgen.target)",
                                "for _ = 1, 50 do ch:open(api:method 'streaming.Streamer/ProcessTextStream') end"));
  PlanRun run(file.path(), {{"target", server.target()}});
  REQUIRE(run.load() == "");
  CHECK(run.run().conservation == "");
  CHECK(run.total("grpc_streams_leaked") == 50);
  CHECK(run.total("grpc_streams_ended", make_labels({{"code", "CANCELLED"}})) == 50);
  CHECK(run.total("grpc_streams_failed") == 0);
}

TEST_CASE("a server that dies ends its streams with UNAVAILABLE, and the ledger says why") {
  ServerProcess server({"--pod", "pod-a"});
  const PlanFile file(plan_text("local ch = lgen.grpc.channel('main', lgen.target)",
                                "local s = ch:open(api:method 'streaming.Streamer/ProcessTextStream')\n"
                                "lgen.check('served', s:backend() == 'pod-a')\n"
                                "s:send { message = 'one' }\n"
                                "local _, status = s:recv(10)\n"
                                "lgen.check('lost', status.code == 'UNAVAILABLE', tostring(status))\n"
                                "for ev in ch:events() do if ev.prev == 'READY' then break end end\n"
                                "lgen.check('every test ran', true)"));
  PlanRun run(file.path(), {{"target", server.target()}});
  REQUIRE(run.load() == "");
  std::thread killer([&] {
    server.log_with("Stream opened");
    server.end(SIGKILL);
  });
  const Summary& summary = run.run();
  killer.join();
  require_clean(summary);
  CHECK(run.total("grpc_messages_unconfirmed", make_labels({{"backend", "pod-a"}, {"code", "UNAVAILABLE"}})) == 1);
  REQUIRE(summary.connections.size() == 1);
  CHECK(summary.connections[0].closed_at.has_value());
  CHECK(summary.connections[0].goaway == "");
  REQUIRE(summary.events.size() >= 1);
  CHECK(summary.events[0].name == "connection_lost");
}

}  // namespace
}  // namespace lgen
