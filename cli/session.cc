#include "session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <optional>

#include "control_folder.h"
#include "early_signals.h"
#include "lgen/control.h"
#include "lgen/cpu_quota.h"
#include "lgen/log.h"
#include "lgen/timeline.h"
#include "lgen/version.h"
#include "progress.h"

namespace lgen::cli {
namespace {

constexpr Duration kStreamGrace = std::chrono::seconds(5);  // for ends of cancelled streams still on their way

/// Ticks the time lines and the outputs once a second.
class Seconds {
 public:
  Seconds(Loop& loop, Metrics& metrics, Plan& plan, RunOutputs& outputs)
      : timeline(metrics),
        loop_(loop),
        plan_(plan),
        outputs_(outputs),
        start_(loop.precise_now()),
        timer_(loop, [this] { tick(); }) {
    timer_.arm(start_ + std::chrono::seconds(1));
  }
  void stop() {
    timer_.disarm();
    close_second(loop_.precise_now());
  }

  Timeline timeline;

 private:
  void tick() {
    const TimePoint now = loop_.precise_now();
    close_second(now);
    timer_.arm(now + std::chrono::seconds(1) - (now - start_) % std::chrono::seconds(1));
  }
  void close_second(TimePoint now) {
    plan_.second_over(now - start_);
    timeline.tick(now - start_);
    outputs_.tick(now - start_);
  }
  Loop& loop_;
  Plan& plan_;
  RunOutputs& outputs_;
  TimePoint start_;
  Timer timer_;
};

volatile std::sig_atomic_t g_signals_seen = 0;
void (*g_loops_handler)(int) = nullptr;

/// The second signal ends the process from inside the handler: also while the plan never yields.
void count_signal(int signal) {
  if (g_signals_seen > 0) _exit(128 + signal);
  g_signals_seen = 1;
  g_loops_handler(signal);
}

/// SIGINT and SIGTERM: the first one ends the run, the second one the process.
class StopSignals {
 public:
  StopSignals(Loop& loop, Runner& runner) : loop_(loop) {
    g_signals_seen = 0;
    for (const int signal : kSignals) {
      loop_.on_signal(signal, [&runner](int got) {
        tell(got);
        runner.stop(got);
      });
      put_in_front(signal);
    }
  }
  ~StopSignals() {
    for (const int signal : kSignals) loop_.on_signal(signal, {});
  }
  /// One that came before these handlers were there.
  static void take_early(Runner& runner) {
    const int early = early_signal();
    if (early == 0) return;
    tell(early);
    runner.stop(early);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  static constexpr int kSignals[] = {SIGINT, SIGTERM};

  /// count_signal() before the loop's own handler.
  static void put_in_front(int signal) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    g_loops_handler = action.sa_handler;
    action.sa_handler = count_signal;
    sigaction(signal, &action, nullptr);
  }
  static void tell(int signal) {
    log(LogLevel::error,
        fmt::format("{}: ending the run; once more to leave at once", signal == SIGINT ? "interrupted" : "terminated"));
  }
  Loop& loop_;
};

std::string end_name(RunEnd end) {
  switch (end) {
    case RunEnd::completed:
      return "completed";
    case RunEnd::signal:
      return "signal";
    case RunEnd::aborted:
      return "aborted";
    case RunEnd::plan_error:
      return "plan_error";
  }
  return "";
}

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

double unix_now() {
  timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

void fill_run(RunInfo& run, const RunOutcome& outcome, double started_unix, const DescriptorLimit& descriptors) {
  run.lgen_version = kVersion;
  run.host = host_name();
  run.started_unix = started_unix;
  run.duration = to_seconds(outcome.load_finished - outcome.load_started);
  run.paused = to_seconds(outcome.paused);
  run.measured = to_seconds(outcome.measured);
  run.end = end_name(outcome.end);
  run.end_reason = outcome.reason;
  if (descriptors.now > descriptors.before) {
    run.notes.push_back(fmt::format("file descriptor limit raised from {} to {}", descriptors.before, descriptors.now));
  }
}

/// What the process had used before the run.
struct UsedBefore {
  ProcessUsage process = process_usage();
  std::optional<Duration> throttled = cpu_throttled();
};

/// Groups of several threads may be kept waiting for longer than the run took.
double throttled_share(const UsedBefore& before, Duration elapsed) {
  const auto now = cpu_throttled();
  if (!now || !before.throttled || elapsed.count() <= 0) return 0;
  return std::clamp(to_seconds(*now - *before.throttled) / to_seconds(elapsed), 0.0, 1.0);
}

void fill_health(GeneratorHealth& health, const UsedBefore& used, Duration elapsed,
                 const DescriptorLimit& descriptors) {
  const ProcessUsage now = process_usage(), &before = used.process;
  health.cpu_seconds = now.cpu_seconds - before.cpu_seconds;
  health.cpu_share = elapsed.count() > 0 ? health.cpu_seconds / to_seconds(elapsed) : 0;
  health.max_rss = now.max_rss;
  health.fd_limit = descriptors.now;
  health.throttled_share = throttled_share(used, elapsed);
}

/// The streams cancelled at the end are counted when the transport says how they ended.
void wait_for_streams(Loop& loop, const Plan& plan) {
  bool late = false;
  Timer limit(loop, [&late] { late = true; });
  limit.arm(loop.precise_now() + kStreamGrace);
  if (plan.open_streams() > 0) loop.run_until([&] { return late || plan.open_streams() == 0; });
}

/// A run that cannot take orders runs all the same.
void open_control(ControlServer& control) {
  const auto path = own_control_socket();
  const Outcome open = path ? control.listen(*path) : path.error();
  if (!open) log(LogLevel::info, fmt::format("lgen ctl cannot reach this run: {}", open.error().message));
}

/// The parts of a run that its result is made of.
struct Session {
  Session(Loop& loop_in, Metrics& metrics_in, Plan& plan_in, const DescriptorLimit& descriptors_in, RunOutputs& outputs)
      : loop(loop_in),
        metrics(metrics_in),
        plan(plan_in),
        descriptors(descriptors_in),
        runner(loop, metrics, with_graces(plan.run_spec())),
        seconds(loop, metrics, plan, outputs) {}

  RunSpec with_graces(RunSpec spec) {
    for (const ScenarioSpec& scenario : spec.scenarios) graces.push_back(scenario.graceful_stop);
    return spec;
  }

  SessionResult result(const RunOutcome& outcome, bool judge_distributions = true) const {
    SessionResult result{outcome, {}};
    Summary& summary = result.summary;
    fill_run(summary.run, outcome, started_unix, descriptors);
    summary.scenarios = outcome.scenarios;
    summary.metrics = metrics.snapshot();
    summary.timelines = seconds.timeline.data();
    plan.fill(summary, judge_distributions);
    add_orders(summary.events);
    fill_health(summary.health, usage, outcome.finished - outcome.started, descriptors);
    for (const ScenarioProgress& s : outcome.scenarios) {
      summary.health.dropped_with_free_vu += s.dropped_with_free_vu;
    }
    judge_validity(summary);
    return result;
  }

  /// What somebody has ordered from outside is an event of the run.
  const EventRecord& note_order(std::string name, Fields fields) {
    log(LogLevel::info, name + " from outside");
    return orders.emplace_back(EventRecord{to_seconds(loop.precise_now() - begun), std::move(name), std::move(fields)});
  }
  void add_orders(std::vector<EventRecord>& events) const {
    events.insert(events.end(), orders.begin(), orders.end());
    std::stable_sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  }

  RunInfo known_at_start() const {
    RunInfo run;
    plan.describe(run);
    run.lgen_version = kVersion;
    run.host = host_name();
    run.started_unix = started_unix;
    return run;
  }

  /// Of a run that goes on.
  Summary so_far() const {
    Summary summary = result(runner.so_far(), false).summary;
    summary.run.end = runner.paused() ? "paused" : "running";
    summary.conservation.clear();  // calls are on their way
    return summary;
  }

  /// Of a run that will never end.
  RunOutcome stuck_outcome(std::string why) const {
    RunOutcome outcome = runner.so_far();
    outcome.end = RunEnd::plan_error;
    outcome.reason = std::move(why);
    return outcome;
  }

  Loop& loop;
  Metrics& metrics;
  Plan& plan;
  const DescriptorLimit& descriptors;
  const double started_unix = unix_now();
  const TimePoint begun = loop.precise_now();
  std::vector<EventRecord> orders;
  const UsedBefore usage;
  std::vector<Duration> graces;  // of the scenarios, in their order
  Runner runner;
  Seconds seconds;
};

}  // namespace

SessionResult run_session(Loop& loop, Metrics& metrics, Plan& plan, const DescriptorLimit& descriptors,
                          RunOutputs& outputs, const std::function<void(SessionResult)>& stuck) {
  Session session(loop, metrics, plan, descriptors, outputs);
  plan.attach(session.runner);
  const RunInfo known = session.known_at_start();
  outputs.begin({metrics, known, plan.redactor(), [&] { return session.so_far(); }, plan.settings().tags});
  if (outputs.any_live()) {
    plan.on_failure([&](const Failure& failure) { outputs.failure(failure); });
    plan.on_event([&](const EventRecord& event) { outputs.event(event); });
  }
  plan.on_stuck([&](const std::string& why) { stuck(session.result(session.stuck_outcome(why))); });
  ControlServer control(loop, session.runner, known, [&](std::string name, Fields fields) {
    outputs.event(session.note_order(std::move(name), std::move(fields)));
  });
  open_control(control);
  const StopSignals signals(loop, session.runner);
  Progress progress(loop, session.runner, metrics, session.graces);
  if (!plan.settings().quiet) progress.start();

  std::optional<RunOutcome> outcome;
  session.runner.start([&](const RunOutcome& ended) { outcome = ended; });
  StopSignals::take_early(session.runner);
  loop.run_until([&] { return outcome.has_value(); });
  progress.stop();
  wait_for_streams(loop, plan);
  session.seconds.stop();
  plan.on_stuck({});
  plan.on_failure({});
  plan.on_event({});
  return session.result(*outcome);
}

}  // namespace lgen::cli
