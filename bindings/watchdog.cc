// How a stretch of plan code that never ends is found and ended.
//
// LuaJIT's hooks never fire in compiled code, but its profiler does (it makes traces leave when its timer is due). So
// the profiler runs all the time, at 50 ms; its callback notes where the plan is (file:line). The watchdog's thread
// looks every 10 ms how long the current stretch has lasted, and sleeps while there is none. After `warn` it says so
// once. After `raise` it asks the callback to flush and stop the compiler; once the callback has returned, all code is
// interpreted, and the thread sets a count hook that raises an error at every instruction, so that no pcall can swallow
// it (set inside the callback the hook would be lost). A stretch that even then goes on sits in a C function that
// nobody can leave: after `give_up` more the process is ended. The hook is set then, too, and stops the plan at the
// watchdog's lock should the C function return at that very moment: whoever writes the last words finds everything as
// it was.
#include "watchdog.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>
#include <utility>

#include "lgen/log.h"
#include "lgen/units.h"
#include "stack.h"

extern "C" {
#include <luajit-2.1/luajit.h>
}

namespace lgen::lua {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(10);
constexpr int kIdleLooks = 10;  // without plan code, before the thread goes to sleep
// enter() wakes it. The two flags are not ordered (a fence would cost every enter()): a wake-up may be missed, for so
// long at most.
constexpr Duration kSleep = std::chrono::seconds(1);
constexpr const char* kProfile = "li50";  // by line, every 50 ms
// Of the time between two looks no more counts: the thread itself did not run, so it was not the plan that stood still,
// but the process (a debugger, SIGSTOP) or the whole machine.
constexpr Duration kMostOfLook = std::chrono::milliseconds(100);

/// LuaJIT's profiler puts back what SIGPROF was when it stops. One that is under way at that moment would end the
/// process.
void outlive_late_profile_signals() {
  if (const auto before = std::signal(SIGPROF, SIG_IGN); before != SIG_DFL) std::signal(SIGPROF, before);
}

}  // namespace

struct Watchdog::Impl {
  Impl(lua_State* state, Limits limits_in, std::function<void(const std::string&)> stuck, std::atomic<bool>& mark,
       std::atomic<bool>& sleeping)
      : L(state), limits(limits_in), stuck_for_good(std::move(stuck)), meddled(mark), asleep(sleeping) {}

  enum class Stage { watching, warned, compiler_off, hooked, verdict };

  void watch(std::atomic<std::uint64_t>& slice) {
    std::unique_lock lock(mutex);
    int idle_looks = 0;
    while (!stop) {
      const bool idle = idle_looks >= kIdleLooks;
      asleep.store(idle, std::memory_order_relaxed);
      const bool roused = wake.wait_for(lock, idle ? kSleep : kLook) == std::cv_status::no_timeout;
      const std::uint64_t running = slice.load(std::memory_order_acquire);
      idle_looks = running != 0 || roused ? 0 : idle_looks + 1;
      look(running);
    }
  }

  /// One look at the current stretch, with the lock held.
  void look(std::uint64_t slice) {
    const TimePoint now = Monotonic::now();
    const Duration since_look = std::min(now - std::exchange(looked_at, now), kMostOfLook);
    if (slice == 0 || slice != seen) return see_new(slice);
    lasted += since_look;
    if (lasted >= limits.raise + limits.give_up) return give_up();
    if (lasted >= limits.raise) return end_stretch();
    if (lasted >= limits.warn && stage == Stage::watching) warn();
  }

  /// What was done to the last stretch stays until settle().
  void see_new(std::uint64_t slice) {
    seen = slice;
    lasted = {};
    place.clear();
    want_compiler_off = false;
    if (stage == Stage::warned) stage = Stage::watching;
  }

  void warn() {
    stage = Stage::warned;
    log(LogLevel::warn, fmt::format("plan code has been running for {} without waiting{}; nothing else runs meanwhile",
                                    format_duration(lasted), place.empty() ? "" : " at " + place));
  }

  /// Subtleness ahead: LuaJIT's profiler, on the plan's thread, puts back the hook mask it found before its callback,
  /// and with that loses a hook set meanwhile. So the hook is set at every look until it has raised.
  void end_stretch() {
    if (stage < Stage::compiler_off) {
      want_compiler_off = true;  // the profiler's callback does it, on the plan's thread
    } else if (stage == Stage::compiler_off || stage == Stage::hooked) {
      stage = Stage::hooked;
      lua_sethook(L, raise_hook, LUA_MASKCOUNT, 1);
    }
  }

  void give_up() {
    lua_sethook(L, raise_hook, LUA_MASKCOUNT, 1);
    stuck_for_good(fmt::format("the plan has been stuck for {} in a function that cannot be interrupted",
                               format_duration(lasted)));
  }

  static void on_profile(void* data, lua_State* state, int, int) {
    auto& self = *static_cast<Impl*>(data);
    const std::unique_lock lock(self.mutex, std::try_to_lock);
    if (!lock) return;
    self.note_place(state);
    if (!self.want_compiler_off || self.stage >= Stage::compiler_off) return;
    luaJIT_setmode(state, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_FLUSH);
    luaJIT_setmode(state, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
    self.stage = Stage::compiler_off;
    self.meddled.store(true, std::memory_order_relaxed);
  }

  void note_place(lua_State* state) {
    std::size_t size = 0;
    const char* text = luaJIT_profile_dumpstack(state, "pl", 1, &size);
    place.assign(text, size);
  }

  static void raise_hook(lua_State* state, lua_Debug*) {
    lua_pushlightuserdata(state, const_cast<char*>(&kImplKey));
    lua_rawget(state, LUA_REGISTRYINDEX);
    auto& self = *static_cast<Impl*>(lua_touserdata(state, -1));
    lua_pop(state, 1);
    self.raise_verdict(state);
  }

  [[noreturn]] void raise_verdict(lua_State* state) {
    {
      const std::lock_guard lock(mutex);
      if (stage != Stage::verdict) {
        stage = Stage::verdict;
        meddled.store(true, std::memory_order_relaxed);
        verdict = fmt::format("{}the plan has run for {} without waiting; it never yields", where(state),
                              format_duration(limits.raise));
      }
      push(state, verdict);
    }
    lua_error(state);
    __builtin_unreachable();
  }

  static constexpr char kImplKey = 0;
  lua_State* L;
  const Limits limits;
  std::function<void(const std::string&)> stuck_for_good;
  std::atomic<bool>& meddled;
  std::atomic<bool>& asleep;
  std::mutex mutex;
  std::condition_variable wake;
  bool stop = false;
  bool want_compiler_off = false;
  Stage stage = Stage::watching;
  std::uint64_t seen = 0;
  Duration lasted{0};  // the current stretch
  TimePoint looked_at = Monotonic::now();
  std::string place, verdict;
  std::thread thread;
};

Watchdog::Watchdog(lua_State* L, Limits limits, std::function<void(const std::string& why)> stuck_for_good)
    : impl_(std::make_unique<Impl>(L, limits, std::move(stuck_for_good), meddled_, asleep_)) {
  lua_pushlightuserdata(L, const_cast<char*>(&Impl::kImplKey));
  lua_pushlightuserdata(L, impl_.get());
  lua_rawset(L, LUA_REGISTRYINDEX);
  outlive_late_profile_signals();
  luaJIT_profile_start(L, kProfile, Impl::on_profile, impl_.get());
  impl_->thread = std::thread([this] { impl_->watch(slice_); });
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stop = true;
  }
  impl_->wake.notify_one();
  impl_->thread.join();
  luaJIT_profile_stop(impl_->L);
}

void Watchdog::rouse() {
  asleep_.store(false, std::memory_order_relaxed);
  impl_->wake.notify_one();
}

std::string Watchdog::settle() {
  const std::lock_guard lock(impl_->mutex);
  lua_sethook(impl_->L, nullptr, 0, 0);
  luaJIT_setmode(impl_->L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_ON);
  impl_->stage = Impl::Stage::watching;
  impl_->want_compiler_off = false;
  meddled_.store(false, std::memory_order_relaxed);
  return std::exchange(impl_->verdict, {});
}

}  // namespace lgen::lua
