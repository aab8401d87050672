#include "lgen/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "bounds.h"
#include "generator_watch.h"
#include "lgen/log.h"
#include "lgen/units.h"
#include "pause_clock.h"
#include "scenario.h"
#include "soon.h"

namespace lgen {
namespace {

/// After its cancel() setup or teardown has this long to complete; then it is dropped.
constexpr Duration kCancelTime = VuPool::kCancelTime;

Error in_scenario(const std::string& name, const std::string& message) {
  return make_error(ErrorCode::invalid_argument, fmt::format("scenario '{}': {}", name, message));
}

Outcome check_scenario(const ScenarioSpec& spec) {
  if (!spec.make_vu) return in_scenario(spec.name, "it has nothing that makes its virtual users");
  if (Outcome load = check_load(spec.load); !load) return in_scenario(spec.name, load.error().message);
  return Done{};
}

Outcome check_run(const RunSpec& spec) {
  if (spec.scenarios.empty()) return make_error(ErrorCode::invalid_argument, "the plan has no scenario to run");
  std::set<std::string_view> names;
  for (const ScenarioSpec& scenario : spec.scenarios) {
    if (!names.insert(scenario.name).second) return in_scenario(scenario.name, "the name is used twice");
    if (Outcome outcome = check_scenario(scenario); !outcome) return outcome;
  }
  return Done{};
}

Duration measured_of(const ScenarioLife& life, const ScenarioProgress& progress, TimePoint now) {
  if (life.begin == kNever) return Duration{0};
  const Duration lasted = std::min(life.end, now) - life.begin;
  return std::max(lasted - progress.warmup - progress.paused_for, Duration{0});
}

/// How long any of them was under way.
Duration covered(std::vector<ScenarioLife> lives, TimePoint now) {
  std::sort(lives.begin(), lives.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
  Duration sum{0};
  TimePoint until{};
  for (const ScenarioLife& life : lives) {
    const TimePoint from = std::max(life.begin, until), to = std::min(life.end, now);
    if (from >= to) continue;
    sum += to - from;
    until = to;
  }
  return sum;
}

/// How long any of them was measured: as if a warm-up was always a scenario's beginning, and no pause in it.
Duration measured_of_any(std::vector<ScenarioLife> lives, const std::vector<ScenarioProgress>& scenarios,
                         const PauseTimes& pauses, TimePoint now) {
  Duration longest{0}, sum{0};
  for (std::size_t i = 0; i < lives.size(); ++i) {
    if (lives[i].begin != kNever) lives[i].begin += scenarios[i].warmup;
    longest = std::max(longest, scenarios[i].measured);
    sum += scenarios[i].measured;
  }
  return std::clamp(covered(std::move(lives), now) - pauses.active, longest, sum);
}

/// "SIGINT".
std::string signal_name(int signum) {
  const char* name = sigabbrev_np(signum);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signum);
}

}  // namespace

/// The run as a row of stages; step() looks whether the present one is over and enters the next. Whoever changes
/// something asks for a step, which then runs outside all callbacks.
struct Runner::Impl {
  enum class Stage { ready, setup, load, teardown, finished };
  using Hook = std::function<Op(std::function<void(Outcome)>)>;

  Impl(Loop& the_loop, Metrics& the_metrics, RunSpec the_spec);
  void start(std::function<void(const RunOutcome&)> on_finished);
  void make_scenarios();
  void end_early(RunEnd end, std::string reason, int signum);
  void note_end(RunEnd end, std::string reason);
  void stop_scenarios(Duration cap);
  bool ending() const { return outcome.end != RunEnd::completed; }

  void step();
  void run_hook(const Hook& hook, Stage next);
  void end_hook(Outcome result);
  void limit_hook(Duration patience);
  void out_of_patience();
  void after_setup();
  void enter_load();
  void watch_load();
  void enter_teardown();
  void finish();
  std::vector<ScenarioProgress> progress() const;
  std::vector<ScenarioLife> lives() const;
  PauseTimes pause_times() const { return pauses.at(loop.now(), lives()); }
  void end_pause() { pauses.end(loop.now(), lives()); }
  void report_load(RunOutcome& to) const;
  Scenario* find(std::string_view name) const;
  Error no_scenario(std::string_view name) const;

  Loop& loop;
  Metrics& metrics;
  const RunSpec spec;
  std::function<void(const RunOutcome&)> finished;
  Stage stage = Stage::ready;
  RunOutcome outcome;

  // Setup or teardown.
  Op op;
  std::optional<Outcome> hook_result;
  bool hook_cancelled = false;
  Timer patience_timer;

  bool paused = false;
  PauseClock pauses;
  Soon soon;
  std::optional<GeneratorWatch> watch;
  std::vector<std::unique_ptr<Scenario>> scenarios;
};

Runner::Impl::Impl(Loop& the_loop, Metrics& the_metrics, RunSpec the_spec)
    : loop(the_loop),
      metrics(the_metrics),
      spec(std::move(the_spec)),
      patience_timer(the_loop, [this] { out_of_patience(); }),
      soon(the_loop, [this] { step(); }) {}

void Runner::Impl::start(std::function<void(const RunOutcome&)> on_finished) {
  finished = std::move(on_finished);
  outcome.started = outcome.load_started = outcome.load_finished = loop.now();
  if (Outcome valid = check_run(spec); !valid) {
    note_end(RunEnd::plan_error, valid.error().message);
  } else {
    make_scenarios();
  }
  soon.ask();
}

/// VU ids run on from scenario to scenario, the same way on every rank.
void Runner::Impl::make_scenarios() {
  std::uint64_t first_vu_id = 1;
  for (const ScenarioSpec& scenario : spec.scenarios) {
    scenarios.push_back(std::make_unique<Scenario>(
        loop, metrics, scenario, spec.slice, first_vu_id,
        Scenario::Hooks{.over = [this] { soon.ask(); },
                        .failed = [this](std::string why) { end_early(RunEnd::plan_error, std::move(why), 0); }}));
    first_vu_id += Schedule(scenario.load, Slice{}).max_vus();
  }
}

/// The first reason to end stays.
void Runner::Impl::note_end(RunEnd end, std::string reason) {
  if (ending()) return;
  outcome.end = end;
  outcome.reason = std::move(reason);
}

void Runner::Impl::end_early(RunEnd end, std::string reason, int signum) {
  if (stage == Stage::finished || ending()) return;
  note_end(end, std::move(reason));
  outcome.signal = signum;
  if (stage == Stage::ready) return;
  end_pause();
  if (stage == Stage::load) stop_scenarios(bounded(spec.stop_timeout));
  soon.ask();
}

/// Takes effect on the spot: not one more iteration starts.
void Runner::Impl::stop_scenarios(Duration cap) {
  for (const auto& scenario : scenarios) scenario->stop(cap);
}

void Runner::Impl::step() {
  switch (stage) {
    case Stage::ready:
      return ending() ? finish() : run_hook(spec.setup, Stage::setup);
    case Stage::setup:
      if (hook_result) return after_setup();
      if (ending()) limit_hook(Duration{0});
      return;
    case Stage::load:
      return watch_load();
    case Stage::teardown:
      if (hook_result) return finish();
      if (ending()) limit_hook(spec.stop_timeout);
      return;
    case Stage::finished:
      return;
  }
}

/// Enters the stage `next`, whose only work is `hook`.
void Runner::Impl::run_hook(const Hook& hook, Stage next) {
  stage = next;
  hook_result.reset();
  hook_cancelled = false;
  if (hook) op = hook([this](Outcome result) { end_hook(std::move(result)); });
  if (!hook || !op) end_hook(Done{});
  soon.ask();
}

void Runner::Impl::end_hook(Outcome result) {
  if (hook_result) return;
  if (!result) {
    // What ended the run before is the reason that will be told; this must not be lost beside it.
    if (ending() && result.error().code != ErrorCode::cancelled) log(LogLevel::error, result.error().message);
    note_end(RunEnd::plan_error, result.error().message);
  }
  hook_result = std::move(result);
  soon.ask();
}

/// The run is ending: what setup or teardown still does has this long.
void Runner::Impl::limit_hook(Duration patience) {
  if (!hook_cancelled && !patience_timer.armed()) patience_timer.arm(loop.now() + bounded(patience));
}

void Runner::Impl::out_of_patience() {
  if (hook_result) return;
  if (!hook_cancelled) {
    hook_cancelled = true;
    patience_timer.arm(loop.now() + kCancelTime);
    return op.cancel();
  }
  op.reset();
  end_hook(make_error(ErrorCode::cancelled, "cancelled, and did not end"));
}

/// Teardown undoes what setup did: without a setup that succeeded there is none.
void Runner::Impl::after_setup() {
  op.reset();
  patience_timer.disarm();
  if (!hook_result->ok()) return finish();
  if (ending()) return enter_teardown();
  enter_load();
}

void Runner::Impl::enter_load() {
  stage = Stage::load;
  outcome.load_started = loop.now();
  if (paused) pauses.begin(loop.now());
  watch.emplace(loop, metrics);
  for (const auto& scenario : scenarios) {
    if (paused) scenario->pause();
    scenario->start();
  }
}

/// Background scenarios end when all others have; where there are no others, at their own time.
void Runner::Impl::watch_load() {
  bool any_foreground = false, foreground_over = true, all_over = true;
  for (const auto& scenario : scenarios) {
    any_foreground |= !scenario->background();
    foreground_over &= scenario->background() || scenario->finished();
    all_over &= scenario->finished();
  }
  if (all_over) return enter_teardown();
  if (any_foreground && foreground_over) stop_scenarios(Duration::max());
}

void Runner::Impl::enter_teardown() {
  watch.reset();
  end_pause();
  outcome.load_finished = stage == Stage::load ? loop.now() : outcome.load_started;
  run_hook(spec.teardown, Stage::teardown);
}

/// `finished` may destroy the runner, so it is called last and on copies.
void Runner::Impl::finish() {
  stage = Stage::finished;
  op.reset();
  patience_timer.disarm();
  outcome.finished = loop.now();
  report_load(outcome);
  const auto call = std::move(finished);
  const RunOutcome result = outcome;
  if (call) call(result);
}

std::vector<ScenarioProgress> Runner::Impl::progress() const {
  const PauseTimes times = pause_times();
  std::vector<ScenarioProgress> all;
  for (const auto& scenario : scenarios) {
    const ScenarioLife life = scenario->life();
    all.push_back(scenario->progress());
    all.back().paused_for = times.scenarios[all.size() - 1];
    all.back().measured = measured_of(life, all.back(), loop.now());
  }
  return all;
}

void Runner::Impl::report_load(RunOutcome& to) const {
  const PauseTimes times = pause_times();
  to.paused = times.quiet;
  to.scenarios = progress();
  to.measured = measured_of_any(lives(), to.scenarios, times, loop.now());
}

std::vector<ScenarioLife> Runner::Impl::lives() const {
  std::vector<ScenarioLife> all;
  for (const auto& scenario : scenarios) all.push_back(scenario->life());
  return all;
}

Scenario* Runner::Impl::find(std::string_view name) const {
  for (const auto& scenario : scenarios) {
    if (scenario->name() == name) return scenario.get();
  }
  return nullptr;
}

Error Runner::Impl::no_scenario(std::string_view name) const {
  std::vector<std::string> names;
  for (const auto& scenario : scenarios) names.push_back(scenario->name());
  const std::string_view guess = did_you_mean(name, names);
  return make_error(
      ErrorCode::not_found,
      fmt::format("no scenario '{}'{}", name, guess.empty() ? "" : fmt::format(" (did you mean '{}'?)", guess)));
}

Runner::Runner(Loop& loop, Metrics& metrics, RunSpec spec)
    : impl_(std::make_unique<Impl>(loop, metrics, std::move(spec))) {}

Runner::~Runner() = default;

void Runner::start(std::function<void(const RunOutcome&)> finished) { impl_->start(std::move(finished)); }

void Runner::stop(int signum) { impl_->end_early(RunEnd::signal, signal_name(signum), signum); }

void Runner::stop(std::string who) { impl_->end_early(RunEnd::signal, std::move(who), 0); }

void Runner::abort(std::string reason) { impl_->end_early(RunEnd::aborted, std::move(reason), 0); }

void Runner::fail(std::string reason) { impl_->end_early(RunEnd::plan_error, std::move(reason), 0); }

Outcome Runner::stop_scenario(std::string_view name) {
  Scenario* scenario = impl_->find(name);
  if (scenario == nullptr) return impl_->no_scenario(name);
  scenario->stop(Duration::max());
  return Done{};
}

Outcome Runner::scale_scenario(std::string_view name, std::uint64_t vus) {
  Scenario* scenario = impl_->find(name);
  return scenario == nullptr ? impl_->no_scenario(name) : scenario->scale(vus);
}

bool Runner::pause() {
  if (impl_->paused || impl_->ending() || impl_->stage > Impl::Stage::load) return false;
  impl_->paused = true;
  if (impl_->stage == Impl::Stage::load) impl_->pauses.begin(impl_->loop.now());
  for (const auto& scenario : impl_->scenarios) scenario->pause();
  return true;
}

bool Runner::resume() {
  if (!impl_->paused || impl_->ending()) return false;
  impl_->paused = false;
  impl_->end_pause();
  for (const auto& scenario : impl_->scenarios) scenario->resume();
  return true;
}

bool Runner::paused() const { return impl_->paused && !impl_->ending(); }

Duration Runner::paused_time() const { return impl_->pause_times().ordered; }

TimePoint Runner::started_at() const { return impl_->outcome.started; }

std::vector<ScenarioProgress> Runner::progress() const { return impl_->progress(); }

RunOutcome Runner::so_far() const {
  RunOutcome outcome = impl_->outcome;
  if (impl_->stage == Impl::Stage::finished) return outcome;
  outcome.finished = impl_->loop.precise_now();
  if (impl_->stage == Impl::Stage::load) outcome.load_finished = outcome.finished;
  impl_->report_load(outcome);
  return outcome;
}

std::optional<std::uint64_t> Runner::vus(std::string_view scenario) const {
  const Scenario* found = impl_->find(scenario);
  if (found == nullptr) return std::nullopt;
  return found->vus();
}

}  // namespace lgen
