// `lgen PLAN.lua ...`
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "arguments.h"
#include "commands.h"
#include "early_signals.h"
#include "exit_code.h"
#include "help.h"
#include "lgen/grpc.h"
#include "lgen/log.h"
#include "lgen/report.h"
#include "lgen/units.h"
#include "local_cluster.h"
#include "local_spec.h"
#include "outputs.h"
#include "run.h"
#include "run_outputs.h"
#include "session.h"
#include "stdout_loan.h"
#include "summary_file.h"

namespace lgen::cli {

int refuse(const Error& error) {
  complain(error.message);
  if (error.code == ErrorCode::cancelled) return kStopped;
  return error.code == ErrorCode::timeout ? kPlanError : kConfiguration;
}

int print_result(std::string_view text) {
  const Outcome written = write_file("-", text);
  if (written) return kOk;
  if (written.error().code != ErrorCode::closed) complain(written.error().message);
  return kOutputFailed;
}

namespace {

Outcome apply_log(const Settings& settings) {
  set_log_level(settings.log_level);
  if (settings.log_file.empty()) return Done{};
  return set_log_file(settings.log_file);
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
  return show_on_stdout(plan_help(arguments.plan, plan));
}

/// --local: target and metrics are known before the cluster is there, so that a bad plan is refused at once.
Outcome choose_local_ports(EngineOptions& options, const Settings& settings, LocalPorts& chosen) {
  if (!settings.local) return Done{};
  if (!settings.target.empty()) {
    return make_error(ErrorCode::invalid_argument, "--local contradicts --target; give one of them");
  }
  if (const auto flags = local_flags(*settings.local); !flags) return flags.error();
  const auto ports = LocalCluster::free_ports();
  if (!ports) return ports.error();
  chosen = *ports;
  if (settings.metrics.empty()) {
    if (const Outcome set = options.set(OptionLayer::flags, "metrics", {ports->sd_url()}, "--local"); !set) return set;
  }
  return options.set(OptionLayer::flags, "target", {fmt::format("127.0.0.1:{}", ports->target)}, "--local");
}

/// What is settled before the plan is read.
Outcome prepare(EngineOptions& options, LocalPorts& local_ports, StdoutLoan& loan) {
  const auto settings = options.resolve();
  if (!settings) return settings.error();
  const auto outputs = parse_outputs(settings->outputs);
  if (!outputs) return outputs.error();
  if (takes_stdout(*outputs)) loan.take();
  return choose_local_ports(options, *settings, local_ports);
}

/// The end of a run: its outputs, what speaks against it, the exit code. `can_wait`: the loop may be run.
int conclude(SessionResult result, const Plan& plan, const LocalCluster* cluster, RunOutputs& outputs, StdoutLoan& loan,
             bool can_wait) {
  if (const std::string& misfit = plan.misfit(); !misfit.empty() && result.outcome.end == RunEnd::plan_error) {
    result.summary.run.exit_code = kConfiguration;
    outputs.finish_live(result.summary);
    outputs.say_last_words(result.summary.run, loan);
    complain(misfit);  // before anything was measured: there is nothing to report
    return kConfiguration;
  }
  Summary& summary = result.summary;
  const Settings& settings = plan.settings();
  const std::string& connect_failure = plan.connect_failure();
  const std::string cluster_end = cluster ? cluster->how_it_ended() : "";
  if (cluster) summary.run.notes.push_back("--local: " + cluster->description());
  if (!cluster_end.empty()) summary.run.notes.push_back("--local: " + cluster_end + " before the run was over");
  int& code = summary.run.exit_code;
  const auto judge_again = [&](bool lost) {
    code = exit_code(result.outcome, summary, settings, connect_failure, lost || summary.run.outputs_lost > 0);
  };
  judge_again(false);
  if (can_wait) outputs.deliver(summary);
  outputs.finish_live(summary);
  judge_again(false);
  outputs.write_files(summary, loan);
  judge_again(false);
  const bool printed = outputs.print(summary, settings.no_color);
  judge_again(!printed);
  const bool said = outputs.say_last_words(summary.run, loan);
  judge_again(!printed || !said);
  const bool ended_early = result.outcome.end != RunEnd::completed && connect_failure.empty();
  const bool told = result.outcome.end == RunEnd::signal;  // when it came
  const std::string why = told ? "" : ended_early ? summary.run.end_reason : failure_of(summary, connect_failure);
  if (!why.empty()) complain(why);
  if (!cluster_end.empty()) complain("--local: " + cluster_end + " before the run was over");
  if (can_wait) outputs.linger(summary);
  return code;
}

/// The plan hangs for good: the loop's thread stands still somewhere in C, perhaps with a lock that printing needs. So
/// the report is tried, and the process ends either way.
[[noreturn]] void conclude_from_outside(SessionResult result, const Plan& plan, const LocalCluster* cluster,
                                        RunOutputs& outputs, StdoutLoan& loan) {
  constexpr unsigned kPrintingMayTake = 5;  // seconds
  std::signal(SIGALRM, [](int) { _exit(kPlanError); });
  alarm(kPrintingMayTake);
  _exit(conclude(std::move(result), plan, cluster, outputs, loan, false));
}

/// `lgen HOST:PORT list`, as grpcurl has it: the command comes first here.
Outcome check_is_no_address(const std::string& plan, const std::vector<std::string>& behind) {
  if (!check_address(plan) || std::filesystem::exists(plan)) return Done{};
  const std::string verb = behind.empty() ? "list" : behind.front();
  const bool is_verb = verb == "list" || verb == "describe";
  std::string line = fmt::format("lgen {} {}", is_verb ? verb : "call", plan);
  for (std::size_t i = is_verb ? 1 : 0; i < behind.size(); ++i) line += " " + behind[i];
  return make_error(ErrorCode::invalid_argument, fmt::format("'{}' is an address, no plan; write {}", plan, line));
}

/// `lgen chekc plan.lua`: no plan of that name, but nearly a command.
Outcome check_is_no_command(const std::string& plan) {
  const std::vector<std::string_view> names = command_names();
  const std::string_view guess = did_you_mean(plan, names);
  if (guess.empty() || std::filesystem::exists(plan)) return Done{};
  return make_error(ErrorCode::not_found,
                    fmt::format("'{}' is neither a plan nor a command (did you mean '{}'?)", plan, guess));
}

int run_loaded(Loop& loop, Metrics& metrics, Plan& plan, const LocalPorts& local_ports, StdoutLoan& loan) {
  const Settings& settings = plan.settings();
  std::unique_ptr<LocalCluster> cluster;
  if (const Outcome ok = apply_log(settings); !ok) return refuse(ok.error());
  for (const std::string& line : misspelt_environment()) log(LogLevel::warn, line);
  auto outputs = RunOutputs::open(loop, settings.outputs, loan);
  if (!outputs) return refuse(outputs.error());
  const DescriptorLimit descriptors = raise_descriptor_limit();
  if (settings.local) {
    catch_early_signals();
    auto started = LocalCluster::start(*settings.local, local_ports);
    if (!started) return refuse(started.error());
    cluster = std::move(*started);
  }
  loop.set_precise(settings.precise);
  return conclude(run_session(loop, metrics, plan, descriptors, *outputs,
                              [&](SessionResult so_far) {
                                conclude_from_outside(std::move(so_far), plan, cluster.get(), *outputs, loan);
                              }),
                  plan, cluster.get(), *outputs, loan, true);
}

}  // namespace

int run_plan(Arguments arguments) {
  LocalPorts local_ports;
  StdoutLoan loan;
  if (const Outcome ok = prepare(arguments.options, local_ports, loan); !ok) return refuse(ok.error());
  route_grpc_log();
  RealClock clock;
  Loop loop(clock);
  Metrics metrics;
  Plan plan(loop, metrics,
            PlanInput{arguments.plan,
                      std::move(arguments.plan_args),
                      std::move(arguments.config_options),
                      std::move(arguments.options),
                      PlanPurpose::run,
                      {},
                      std::move(arguments.plan_text)});
  if (const Outcome loaded = plan.load(); !loaded) {
    Error error = loaded.error();
    if (arguments.in_our_words) error.message = arguments.in_our_words(error.message);
    return refuse(error);
  }
  const int code = run_loaded(loop, metrics, plan, local_ports, loan);
  plan.close();
  return code;
}

namespace {

int run(Words words) {
  auto arguments = arguments_of(words);
  if (!arguments) return refuse(arguments.error());
  if (words.help && arguments->plan.empty()) return show_on_stdout(command_help(kRunCommand));
  if (arguments->plan.empty()) return refuse({ErrorCode::invalid_argument, "which plan? lgen PLAN.lua [options]"});
  if (const Outcome plan = check_is_no_command(arguments->plan); !plan) return refuse(plan.error());
  if (const Outcome plan = check_is_no_address(arguments->plan, arguments->plan_args); !plan) {
    return refuse(plan.error());
  }
  if (words.help) return show_help(std::move(*arguments));
  return run_plan(std::move(*arguments));
}

}  // namespace

const Command kRunCommand = {.name = "run",
                             .synopsis = "PLAN.lua",
                             .help = "run a plan; the word run may be left out",
                             .about =
                                 "Runs the plan and ends with its report and an exit code. Its own options come after "
                                 "it: lgen PLAN.lua --help lists them.",
                             .run = run,
                             .engine_options = true,
                             .takes_plan = true};

}  // namespace lgen::cli
