// `lgen PLAN.lua ...`
#include <fmt/format.h>

#include <cstdio>

#include "arguments.h"
#include "commands.h"
#include "exit_code.h"
#include "help.h"
#include "lgen/grpc.h"
#include "lgen/log.h"
#include "lgen/report.h"
#include "local_cluster.h"
#include "session.h"
#include "terminal.h"

namespace lgen::cli {
namespace {

Outcome apply_log(const Settings& settings) {
  set_log_level(settings.log_level);
  if (settings.log_file.empty()) return Done{};
  return set_log_file(settings.log_file);
}

/// Unwritable outputs are found before the run, not after it.
Outcome check_outputs(const Settings& settings) {
  for (const OutputRequest& output : settings.outputs) {
    if (const Outcome ok = check_writable(output.path); !ok) return ok;
  }
  return Done{};
}

/// True when everything could be written; what could not is told.
bool write_outputs(const Summary& summary, const Settings& settings) {
  bool all = true;
  const auto attempt = [&](const std::string& path, const std::string& text) {
    const Outcome written = write_file(path, text);
    if (!written) complain(written.error().message);
    all = all && written.ok();
  };
  bool stdout_taken = false;
  for (const OutputRequest& output : settings.outputs) stdout_taken = stdout_taken || output.path == "-";
  std::fflush(stdout);  // what the plan has printed stands above the report
  attempt(stdout_taken ? "/dev/stderr" : "-", render_console(summary, console_style(settings.no_color)));
  for (const OutputRequest& output : settings.outputs) attempt(output.path, render_json(summary));
  return all;
}

int show_help(Arguments arguments) {
  RealClock clock;
  Loop loop(clock);
  Metrics metrics;
  Plan plan(loop, metrics, PlanInput{arguments.plan, {}, {}, std::move(arguments.options), PlanPurpose::help, {}});
  if (const Outcome loaded = plan.load(); !loaded) {
    complain(loaded.error().message);
    return kConfiguration;
  }
  fmt::print("{}", plan_help(arguments.plan, plan));
  return kOk;
}

/// --local: the target is known before the cluster is there, so that a bad plan is refused at once.
Outcome choose_local_port(EngineOptions& options, int& port) {
  const auto settings = options.resolve();
  if (!settings) return settings.error();
  if (!settings->local) return Done{};
  if (!settings->target.empty()) {
    return make_error(ErrorCode::invalid_argument, "--local contradicts --target; give one of them");
  }
  const auto free = LocalCluster::free_port();
  if (!free) return free.error();
  port = *free;
  return options.set(OptionLayer::flags, "target", {fmt::format("127.0.0.1:{}", port)}, "--local");
}

int refuse(const Error& error) {
  complain(error.message);
  return error.code == ErrorCode::timeout ? kPlanError : kConfiguration;
}

int run_loaded(Loop& loop, Metrics& metrics, Plan& plan, int local_port) {
  const Settings& settings = plan.settings();
  std::unique_ptr<LocalCluster> cluster;
  if (const Outcome ok = apply_log(settings); !ok) return refuse(ok.error());
  if (const Outcome ok = check_outputs(settings); !ok) return refuse(ok.error());
  const DescriptorLimit descriptors = raise_descriptor_limit();
  if (settings.local) {
    auto started = LocalCluster::start(*settings.local, local_port);
    if (!started) return refuse(started.error());
    cluster = std::move(*started);
  }
  loop.set_precise(settings.precise);
  SessionResult result = run_session(loop, metrics, plan, descriptors);
  if (cluster) result.summary.run.notes.push_back("--local: " + cluster->description());
  const std::string& connect_failure = plan.connect_failure();
  const auto code = [&](bool output_failed) {
    return exit_code(result.outcome, result.summary, settings, connect_failure, output_failed);
  };
  result.summary.run.exit_code = code(false);
  const bool written = write_outputs(result.summary, settings);
  const std::string why = failure_of(result.summary, connect_failure);
  if (!why.empty()) complain(why);
  if (result.outcome.end != RunEnd::completed && connect_failure.empty()) complain(result.outcome.reason);
  return code(!written);
}

}  // namespace

int run(std::vector<std::string> args) {
  auto arguments = parse_arguments(std::move(args));
  if (!arguments) return refuse(arguments.error());
  if (arguments->plan.empty()) return refuse({ErrorCode::invalid_argument, "which plan? lgen PLAN.lua [options]"});
  if (arguments->help) return show_help(std::move(*arguments));
  int local_port = 0;
  if (const Outcome ok = choose_local_port(arguments->options, local_port); !ok) return refuse(ok.error());
  route_grpc_log();
  RealClock clock;
  Loop loop(clock);
  Metrics metrics;
  Plan plan(loop, metrics,
            PlanInput{arguments->plan,
                      std::move(arguments->plan_args),
                      std::move(arguments->config_options),
                      std::move(arguments->options),
                      PlanPurpose::run,
                      {}});
  if (const Outcome loaded = plan.load(); !loaded) return refuse(loaded.error());
  const int code = run_loaded(loop, metrics, plan, local_port);
  plan.close();
  return code;
}

}  // namespace lgen::cli
