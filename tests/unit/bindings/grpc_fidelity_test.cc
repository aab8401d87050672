// Health, correlation, message times, compression and attempts as plans see them, against the real lgen-server.
#include <string>

#include "catch.h"
#include "grpc_plan_run.h"
#include "lgen/report.h"
#include "server_process.h"

namespace lgen {
namespace {

using test::plan_text;
using test::PlanFile;
using test::PlanRun;
using test::ServerProcess;

void require_all_checks(const Summary& summary) {
  for (const CheckResult& check : summary.checks) {
    INFO(check.name << " -- " << check.first_failure);
    CHECK(check.fails == 0);
  }
  REQUIRE(summary.checks.size() > 0);
  CHECK(summary.checks.back().name == "every test ran");
  CHECK(summary.conservation == "");
}

SeriesSnapshot sum_of(const Summary& summary, std::string_view metric, const Labels& labels = {}) {
  const MetricSnapshot* found = summary.metrics.find(metric);
  REQUIRE(found);
  return aggregate(*found, labels);
}

std::uint64_t samples(const Summary& summary, std::string_view metric, std::string_view method) {
  const SeriesSnapshot sum = sum_of(summary, metric, make_labels({{"method", method}}));
  return sum.histogram ? sum.histogram->count() : 0;
}

TEST_CASE("health, correlation and compression behave as the plan API says") {
  const ServerProcess server;
  PlanRun run(LGEN_LUA_TESTS "/grpc_fidelity.lua", {{"target", server.target()}});
  REQUIRE(run.load() == "");
  const Summary& summary = run.run();
  require_all_checks(summary);
  CHECK(sum_of(summary, "grpc_streams_leaked").value == 0);  // a watch that was left has not leaked

  constexpr std::string_view kBidi = "lgen.echo.Echo/BidiStream", kServer = "lgen.echo.Echo/ServerStream";
  const auto of_case = [&](std::string_view metric, std::string_view name) {
    return sum_of(summary, metric, make_labels({{"case", name}})).value;
  };
  CHECK(of_case("grpc_messages_unanswered", "same") == 0);
  CHECK(of_case("grpc_messages_unanswered", "other") == 4);
  CHECK(of_case("grpc_messages_unmatched", "other") == 4);
  CHECK(of_case("grpc_messages_unanswered", "few") == 4);
  CHECK(of_case("grpc_messages_unanswered", "broken") == 1);
  // 4 x 20 of correlated exchanges, 5 with one key, 2 of the few, 1 uncorrelated.
  CHECK(samples(summary, "grpc_message_rtt_seconds", kBidi) == 88);
  // Every first message waits 10 ms for its answer, and the others of its stream wait behind it.
  CHECK(sum_of(summary, "grpc_message_rtt_seconds").histogram->percentile(50) >= 9'000);
  CHECK(samples(summary, "grpc_stream_first_message_seconds", kServer) == 1);
  CHECK(samples(summary, "grpc_message_gap_seconds", kServer) == 10);

  std::uint64_t complaints = 0;
  for (const ErrorSample& error : summary.errors) complaints += error.code == "plan" ? error.count : 0;
  CHECK(complaints == 1);
}

TEST_CASE("lgen.crypto gives what the standards' examples say") {
  PlanRun run(LGEN_LUA_TESTS "/crypto.lua", {{"target", "127.0.0.1:1"}});
  REQUIRE(run.load() == "");
  require_all_checks(run.run());
}

TEST_CASE("a sender feels a slow reader: it waits, others go on, and little is held") {
  const ServerProcess server;
  const PlanFile plan(plan_text(
      "local ch = lgen.grpc.channel('main', lgen.target)\n"
      "local Bidi = api:method 'lgen.echo.Echo/BidiStream'\n",
      "local s = ch:open(Bidi)\n"
      "local big = api:message('lgen.echo.EchoRequest', { payload = ('z'):rep(60000), reply_size = 1 })\n"
      "s:send { delay_seconds = 0.3, reply_size = 1 }\n"  // the server reads on after it, gRPC's own windows (16 MiB at
                                                          // most) aside
      "local turns, at_reply = 0, nil\n"
      "local sender = lgen.spawn(function() for _ = 1, 500 do assert(s:send(big)) end s:half_close() end)\n"
      "local other = lgen.spawn(function() while not at_reply do turns = turns + 1 lgen.sleep('1ms') end end)\n"
      "s:recv()\n"
      "at_reply = s.sent\n"
      "lgen.check('a slow reader stops the sender', at_reply < 300, at_reply)\n"
      "lgen.check('not the other task', turns > 10, turns)\n"
      "local replies = 1\n"
      "for _ in s:messages() do replies = replies + 1 end\n"
      "sender:join() other:join()\n"
      "lgen.check('everything arrives in the end', replies == 501 and s.sent == 501, replies)\n"
      "lgen.check('every test ran', true)\n"));
  PlanRun run(plan.path(), {{"target", server.target()}});
  REQUIRE(run.load() == "");
  require_all_checks(run.run());
}

TEST_CASE("a request that does not fit its type raises with the field's path") {
  const ServerProcess server;
  const PlanFile plan(plan_text(
      "local test = lgen.proto { files = { '" LGEN_TEST_DATA
      "/correlate.proto' } }\n"
      "local ch = lgen.grpc.channel('main', lgen.target)\n"
      "local Bidi = api:method 'lgen.echo.Echo/BidiStream'\n"
      "local function is(fn, wanted)\n"
      "  local ok, message = pcall(fn)\n"
      "  message = tostring(message):gsub('^.-:%d+: ', '')\n"
      "  lgen.check(wanted, not ok and message == wanted, message)\n"
      "end\n"
      "local function frame(t) return function() return test:message('correlate.Frame', t) end end\n",
      "is(frame { kind = 'SOMME' }, \"api:message: correlate.Frame.kind: enum correlate.Kind has no value 'SOMME' (did "
      "you "
      "mean "
      "'SOME'?)\")\n"
      "is(frame { heather = {} }, \"api:message: correlate.Frame: unknown field 'heather' (did you mean 'header'?)\")\n"
      "is(frame { header = { trace = 5 } }, 'api:message: correlate.Frame.header.trace: string expected, got number "
      "5')\n"
      "is(function() ch:open(Bidi):send { payloat = '' } end, \"s:send: lgen.echo.EchoRequest: unknown field 'payloat' "
      "(did you mean 'payload'?)\")\n"
      "lgen.check('every test ran', true)\n"));
  PlanRun run(plan.path(), {{"target", server.target()}});
  REQUIRE(run.load() == "");
  require_all_checks(run.run());
}

TEST_CASE("without correlate only a stream of question and answer has round trips") {
  const ServerProcess server;
  const PlanFile plan(
      plan_text("local ch = lgen.grpc.channel('main', lgen.target)\n"
                "local Bidi = api:method 'lgen.echo.Echo/BidiStream'\n",
                "local s = ch:open(Bidi)\n"
                "for _ = 1, 3 do s:send {} s:recv() end\n"
                "s:send {} s:send {} s:recv() s:recv()\n"
                "s:close()\n"
                "lgen.check('every test ran', true)\n"));
  PlanRun run(plan.path(), {{"target", server.target()}});
  REQUIRE(run.load() == "");
  const Summary& summary = run.run();
  require_all_checks(summary);
  CHECK(sum_of(summary, "grpc_message_rtt_seconds").histogram->count() >= 3);
  CHECK(summary.metrics.find("grpc_messages_unanswered")->series.empty());
  CHECK(sum_of(summary, "grpc_message_gap_seconds").histogram->count() == 4);
}

}  // namespace
}  // namespace lgen
