#include <algorithm>
#include <ctime>
#include <optional>

#include "host.h"
#include "lgen/loop.h"
#include "modules.h"
#include "stack.h"
#include "task.h"
#include "vu_lua.h"

namespace lgen::lua {
namespace {

/// --time-scale: what a plan waits of its own will.
Duration in_plan_time(const Host& host, Duration d) {
  if (host.settings.time_scale == 1 || d == Duration::max()) return d;
  return from_seconds(to_seconds(d) / host.settings.time_scale);
}

int sleep(lua_State* L) {
  Task& task = Task::check_can_wait(L, "lgen.sleep");
  const Duration duration = in_plan_time(task.host(), check_duration(L, 1, "lgen.sleep"));
  return task.await_sleep(L, later(task.host().loop.precise_now(), duration));
}

int delay(lua_State* L) {
  Task& task = Task::check_can_wait(L, "lgen.delay");
  const Duration low = check_duration(L, 1, "lgen.delay: min");
  const Duration high = check_duration(L, 2, "lgen.delay: max");
  if (low > high) raise(L, "lgen.delay: min is greater than max");
  const Duration pause = from_seconds(task.random().uniform(to_seconds(low), to_seconds(high)));
  return task.await_sleep(L, later(task.host().loop.precise_now(), in_plan_time(task.host(), pause)));
}

int sleep_until(lua_State* L) {
  Task& task = Task::check_can_wait(L, "lgen.sleep_until");
  const double when = std::max(0.0, check_number(L, 1, "lgen.sleep_until"));
  return task.await_sleep(L, later(task.host().run_started, from_seconds(when)));
}

int yield(lua_State* L) {
  Task& task = Task::check_can_wait(L, "lgen.yield");
  return task.await_turn(L);
}

int now(lua_State* L) {
  lua_pushnumber(L, host_of(L).now_seconds());
  return 1;
}

int unix_time(lua_State* L) {
  timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  lua_pushnumber(L, static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9);
  return 1;
}

/// A ticker without drift: tick k (1, 2, ...) is due at t0 + (k-1)·period, moved by up to ± jitter. When ticks have
/// been missed, the latest one fires and the missed are counted, not replayed.
class Every final : public Waiter, public LuaVu::StopListener {
 public:
  static constexpr ObjectType kType{"lgen.Every"};

  struct Options {
    Duration period{0}, jitter{0};
    std::uint64_t count = UINT64_MAX;
    Duration duration = Duration::max();
  };

  Every(Task& task, const Options& options) : task_(&task), options_(options), start_(task.host().loop.precise_now()) {}
  Every(Every&& other) noexcept : task_(other.task_), options_(other.options_), start_(other.start_) {}
  ~Every() { stop_listening(); }

  int next(lua_State* L, Task& task) {
    task_ = &task;
    const TimePoint now = task.host().loop.precise_now();
    skip_missed(now);
    const Duration offset = offset_of(tick_);
    LuaVu* vu = task.vu();
    if (tick_ >= options_.count || offset > options_.duration || (vu && vu->stopping())) return 0;
    ++tick_;
    if (vu) vu->listen(*this);
    listening_ = vu;
    if (!timer_) timer_.emplace(task.host().loop, [this] { fire(); });
    due_ = later(start_ + jitter(task), offset);
    timer_->arm(due_);
    return task.await(L, *this);
  }

  void interrupt() noexcept override { timer_->arm(TimePoint{}); }
  void vu_stopping() noexcept override {
    listening_ = nullptr;
    stopped_ = true;
    timer_->arm(TimePoint{});
  }

 private:
  Duration offset_of(std::uint64_t tick) const {
    const auto most = static_cast<std::uint64_t>(Duration::max() / options_.period);
    return tick > most ? Duration::max() : options_.period * static_cast<std::int64_t>(tick);
  }
  void skip_missed(TimePoint now) {
    if (tick_ == 0) return;
    const auto due = static_cast<std::uint64_t>((now - start_) / options_.period);
    if (due <= tick_) return;
    missed_ += due - tick_;
    tick_ = due;
  }
  Duration jitter(Task& task) const {
    if (options_.jitter.count() == 0) return Duration{0};
    return from_seconds(task.random().uniform(-to_seconds(options_.jitter), to_seconds(options_.jitter)));
  }
  void stop_listening() noexcept {
    if (listening_) listening_->unlisten(*this);
    listening_ = nullptr;
  }
  void fire() {
    stop_listening();
    if (!stopped_) task_->tick_is_late(std::max(Duration{0}, task_->host().loop.precise_now() - due_));
    task_->wake([this](lua_State* co) {
      if (stopped_) return 0;
      lua_pushnumber(co, static_cast<double>(tick_));
      lua_pushnumber(co, static_cast<double>(missed_));
      return 2;
    });
  }

  Task* task_;
  Options options_;
  TimePoint start_, due_{};
  std::uint64_t tick_ = 0;  // ticks begun
  std::uint64_t missed_ = 0;
  bool stopped_ = false;
  LuaVu* listening_ = nullptr;
  std::optional<Timer> timer_;
};

int every_next(lua_State* L) {
  Every& every = check_object<Every>(L, 1, "lgen.every");
  return every.next(L, Task::check_can_wait(L, "lgen.every"));
}

/// One for all: every held stream's VU may wait in a loop of its own.
void push_next_function(lua_State* L) {
  static constexpr char kKey = 0;  // in the registry
  lua_pushlightuserdata(L, const_cast<char*>(&kKey));
  lua_rawget(L, LUA_REGISTRYINDEX);
  if (lua_type(L, -1) == LUA_TFUNCTION) return;
  lua_pop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushcclosure(L, every_next, 1);
  lua_pushlightuserdata(L, const_cast<char*>(&kKey));
  lua_pushvalue(L, -2);
  lua_rawset(L, LUA_REGISTRYINDEX);
}

constexpr Key kEveryKeys[] = {
    {"jitter", "lgen.Duration", "each tick is moved by up to ± this"},
    {"count", "integer", "ends after this many ticks"},
    {"duration", "lgen.Duration", "no tick is due later than this after the first"},
};
constexpr KeySet kEveryOptions{"lgen.EveryOptions", kEveryKeys};

int every(lua_State* L) {
  Task& task = Task::check_can_wait(L, "lgen.every");
  Every::Options options;
  options.period = check_duration(L, 1, "lgen.every: period");
  if (options.period.count() == 0) raise(L, "lgen.every: the period must be longer than 0");
  if (!lua_isnoneornil(L, 2)) {
    check_options(L, 2, "lgen.every", kEveryOptions);
    options.jitter = duration_field(L, 2, "jitter", "lgen.every").value_or(Duration{0});
    options.duration = duration_field(L, 2, "duration", "lgen.every").value_or(Duration::max());
    const auto count = integer_field(L, 2, "count", "lgen.every", 0, std::int64_t{1} << 53);
    if (count) options.count = static_cast<std::uint64_t>(*count);
  }
  if (options.jitter > options.period / 2) raise(L, "lgen.every: jitter must not be more than half the period");
  for (Duration* time : {&options.period, &options.jitter, &options.duration}) *time = in_plan_time(task.host(), *time);
  options.period = std::max(options.period, Duration{1});
  push_next_function(L);
  push_object<Every>(L, task, options);
  return 2;
}

constexpr Binding kTime[] = {
    {"sleep", sleep, "fun(seconds: lgen.Duration)", "[Y R] Waits."},
    {"delay", delay, "fun(min: lgen.Duration, max: lgen.Duration)", "[Y R] Waits a random time, uniform in min..max."},
    {"sleep_until", sleep_until, "fun(t: number)", "[Y R] Waits until lgen.now() is t."},
    {"yield", yield, "fun()", "[Y] Lets everything else that is ready run first."},
    {"now", now, "fun(): number", "Seconds since the start of the run, monotonic."},
    {"time", unix_time, "fun(): number", "Unix time in seconds."},
    {"every", every, "fun(period: lgen.Duration, options?: lgen.EveryOptions): fun(): integer?, integer?",
     "[Y R] `for tick, missed in lgen.every(0.1) do`: no drift; missed ticks are counted, not replayed; ends when the "
     "VU is told to stop."},
    {"spawn", nullptr, "fun(fn: function, ...): lgen.Task", "[R] Runs fn(...) as a child task."},
    {"all", nullptr, "fun(list: (lgen.Task|function)[]): any[]",
     "[Y R] Runs all; their first results; the first error cancels the others and is raised."},
    {"race", nullptr, "fun(list: (lgen.Task|function)[]): ...",
     "[Y R] Results of the first to end; cancels the others."},
    {"timeout", nullptr, "fun(seconds: lgen.Duration, fn: function, ...): ...",
     "[Y R E] Results of fn(...), or nil, err when the time is up."},
};

constexpr KeySet kTimeOptions[] = {kEveryOptions};

}  // namespace

const Module kTimeModule{.name = "lgen", .doc = "", .bindings = kTime, .option_tables = kTimeOptions};
const Module kEveryClass{
    .name = "_every", .doc = "", .bindings = {}, .object = &Every::kType, .collect = collect_object<Every>};

}  // namespace lgen::lua
