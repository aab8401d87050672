// An embedder of lgen's engine: virtual users in C++, no Lua. Calls hello.Hello/SayHello at HOST:PORT and prints lgen's
// report; the exit code is 0 when every call was answered.
#include <cstdio>
#include <string>
#include <utility>

#include "lgen/grpc.h"
#include "lgen/http.h"
#include "lgen/http_server.h"
#include "lgen/loop.h"
#include "lgen/metrics.h"
#include "lgen/process.h"
#include "lgen/recorder.h"
#include "lgen/report.h"
#include "lgen/runner.h"
#include "lgen/summary.h"
#include "lgen/version.h"

namespace {

constexpr const char* kMethod = "/hello.Hello/SayHello";

/// hello.Greeting{name} on the wire: field 1, length-delimited.
std::string greeting(const std::string& name) { return "\x0a" + std::string(1, static_cast<char>(name.size())) + name; }

/// One iteration is one call.
class HelloVu final : public lgen::Vu {
 public:
  HelloVu(lgen::GrpcChannel& channel, lgen::CallSite& site, const lgen::VuIdentity& who)
      : channel_(channel), site_(site), request_(greeting("vu" + std::to_string(who.id))) {}

  lgen::Op start(const lgen::Iteration& iteration, lgen::IterationDone done) override {
    lgen::CallOptions options;
    options.timeout = std::chrono::seconds(10);
    options.intended = iteration.scheduled_at;
    site_.call_started();
    return channel_.unary(kMethod, request_, options, [this, done = std::move(done)](const lgen::UnaryResult& result) {
      const auto backend = lgen::find_header(*result.headers, "x-backend").value_or("unknown");
      site_.call_ended({result.timing, lgen::to_string(result.status.code), backend});
      done(result.status.ok() ? lgen::IterationEnd::succeeded : lgen::IterationEnd::failed);
    });
  }

 private:
  lgen::GrpcChannel& channel_;
  lgen::CallSite& site_;
  std::string request_;
};

lgen::RunSpec hello(lgen::GrpcChannel& channel, lgen::CallSite& site) {
  lgen::ScenarioSpec scenario;
  scenario.name = "hello";
  scenario.load.kind = lgen::Load::Kind::shared_iterations;
  scenario.load.vus = 4;
  scenario.load.iterations = 100;
  scenario.make_vu = [&](const lgen::VuIdentity& who) { return std::make_unique<HelloVu>(channel, site, who); };
  lgen::RunSpec spec;
  spec.scenarios.push_back(std::move(scenario));
  return spec;
}

lgen::RunOutcome run(lgen::Loop& loop, lgen::Metrics& metrics, lgen::RunSpec spec) {
  lgen::Runner runner(loop, metrics, std::move(spec));
  lgen::RunOutcome outcome;
  runner.start([&](const lgen::RunOutcome& ended) {
    outcome = ended;
    loop.stop();
  });
  loop.run();
  return outcome;
}

lgen::Summary summarize(const lgen::RunOutcome& outcome, const lgen::Metrics& metrics, const lgen::Recorder& recorder) {
  const lgen::ScenarioProgress& scenario = outcome.scenarios.front();
  const lgen::ProcessUsage usage = lgen::process_usage();
  lgen::Summary summary;
  summary.run.plan_name = "embedded";
  summary.run.lgen_version = lgen::kVersion;
  summary.run.duration = lgen::to_seconds(outcome.load_finished - outcome.load_started);
  summary.run.paused = lgen::to_seconds(outcome.paused);
  summary.scenarios = outcome.scenarios;
  summary.metrics = metrics.snapshot();
  summary.conservation = recorder.check_conservation();
  summary.health.cpu_seconds = usage.cpu_seconds;
  summary.health.max_rss = usage.max_rss;
  lgen::judge_validity(summary);
  summary.run.exit_code = scenario.succeeded == scenario.total && summary.conservation.empty() ? 0 : 99;
  return summary;
}

/// Shows the report on a page, and fetches it from there; what comes back, or why nothing does.
std::string through_a_page(lgen::Loop& loop, const std::string& report) {
  lgen::HttpServer server(loop);
  server.on("GET", "/", [&](const lgen::HttpQuestion&, lgen::HttpReply& reply) { reply.send({.body = report}); });
  if (const lgen::Outcome listening = server.listen("127.0.0.1:0"); !listening) return listening.error().message;
  lgen::HttpClient client(loop);
  std::string page;
  const lgen::Op op = client.send({.url = server.url()}, [&](const lgen::HttpResult& result) {
    page = result.error ? result.error->message : std::string(result.body);
    loop.stop();
  });
  loop.run();
  return page;
}

}  // namespace

int main(int argc, char** argv) {
  lgen::prepare_process();
  if (argc != 2) {
    std::fputs("usage: consumer HOST:PORT\n", stderr);
    return 2;
  }
  lgen::RealClock clock;
  lgen::Loop loop(clock);
  lgen::Metrics metrics;
  lgen::Recorder recorder(metrics);
  const auto channel = lgen::make_grpc_core_channel(loop, argv[1], {});
  if (!channel) {
    std::fprintf(stderr, "%s\n", channel.error().message.c_str());
    return 1;
  }
  lgen::CallSiteKey key;
  key.scenario = "hello";
  key.method = kMethod;
  key.channel = "main";
  const lgen::RunOutcome outcome = run(loop, metrics, hello(**channel, recorder.site(key)));
  const lgen::Summary summary = summarize(outcome, metrics, recorder);
  std::fputs(through_a_page(loop, lgen::render_console(summary, {})).c_str(), stdout);
  return summary.run.exit_code;
}
