// The watchdog on a bare Lua state, with limits short enough for a test.
#include "watchdog.h"

#include <luajit-2.1/luajit.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <string>
#include <thread>

#include "catch.h"

namespace lgen::lua {
namespace {

using std::chrono::milliseconds;

struct State {
  State() : L(luaL_newstate()) { luaL_openlibs(L); }
  ~State() { lua_close(L); }
  lua_State* L;
};

/// Ends what was started with it after 300 ms, and never gives up.
Watchdog::Limits short_limits() { return {milliseconds(20), milliseconds(300), std::chrono::hours(1)}; }

[[noreturn]] void no_end(const std::string& why) {
  std::fprintf(stderr, "gave up: %s\n", why.c_str());
  std::abort();
}

/// Runs `code` as one stretch: its error, "" when it ended by itself.
std::string run(State& state, Watchdog& watchdog, const std::string& code) {
  REQUIRE(luaL_loadbuffer(state.L, code.data(), code.size(), "@plan.lua") == 0);
  watchdog.enter();
  const int status = lua_pcall(state.L, 0, 0, 0);
  watchdog.leave();
  if (status == 0) return "";
  std::string error = lua_tostring(state.L, -1);
  lua_pop(state.L, 1);
  return error;
}

TEST_CASE("a stretch that never ends is ended with its place") {
  const std::string endless[] = {
      "while true do end",
      "local x = 0 while true do x = x + 1 end",
      "while true do pcall(function() while true do end end) end",
      "local function f() return f() end f()",
      "for i = 1, 1e18 do local t = { i } end",
      "while true do (('x'):rep(10)):find 'y' end",
  };
  for (const std::string& code : endless) {
    State state;
    Watchdog watchdog(state.L, short_limits(), no_end);
    INFO(code);
    const std::string error = run(state, watchdog, code);
    CHECK(error == "plan.lua:1: the plan has run for 300ms without waiting; it never yields");
    REQUIRE(watchdog.has_meddled());
    CHECK(watchdog.settle() == error);
    CHECK(!watchdog.has_meddled());
    CHECK(watchdog.settle() == "");
  }
}

TEST_CASE("afterwards plan code runs undisturbed and compiled") {
  State state;
  Watchdog watchdog(state.L, short_limits(), no_end);
  CHECK(run(state, watchdog, "while true do end") != "");
  watchdog.settle();
  CHECK(run(state, watchdog, "local n = 0 for i = 1, 1e5 do n = n + i end assert(jit.status())") == "");
  CHECK(!watchdog.has_meddled());
}

TEST_CASE("a pcall around it all does not swallow the verdict") {
  State state;
  Watchdog watchdog(state.L, short_limits(), no_end);
  run(state, watchdog, "pcall(function() while true do end end)");
  REQUIRE(watchdog.has_meddled());
  CHECK(watchdog.settle() == "plan.lua:1: the plan has run for 300ms without waiting; it never yields");
}

TEST_CASE("many short stretches are left alone") {
  State state;
  Watchdog watchdog(state.L, short_limits(), no_end);
  const TimePoint end = Monotonic::now() + milliseconds(600);
  while (Monotonic::now() < end) REQUIRE(run(state, watchdog, "local x = 1") == "");
  CHECK(!watchdog.has_meddled());
}

/// A C function that returns when the watchdog has given up.
struct Stuck {
  std::mutex mutex;
  std::condition_variable wake;
  bool given_up = false;
};

TEST_CASE("a C function that hangs is given up") {
  State state;
  Stuck stuck;
  std::string said;
  Watchdog watchdog(state.L, {milliseconds(5), milliseconds(10), milliseconds(10)}, [&](const std::string& why) {
    const std::lock_guard lock(stuck.mutex);
    if (said.empty()) said = why;
    stuck.given_up = true;
    stuck.wake.notify_all();
  });
  lua_pushlightuserdata(state.L, &stuck);
  lua_pushcclosure(
      state.L,
      [](lua_State* L) {
        auto& waiting = *static_cast<Stuck*>(lua_touserdata(L, lua_upvalueindex(1)));
        std::unique_lock lock(waiting.mutex);
        waiting.wake.wait(lock, [&] { return waiting.given_up; });
        return 0;
      },
      1);
  lua_setglobal(state.L, "hang");
  run(state, watchdog, "hang()");
  const std::lock_guard lock(stuck.mutex);
  CHECK(said.find("the plan has been stuck for ") == 0);
  CHECK(said.find(" in a function that cannot be interrupted") != std::string::npos);
}

/// In a process of its own: a stretch of little work, at whose beginning it writes a byte. Its exit code is 0 when it
/// ended by itself.
pid_t start_brief_stretch(int begun) {
  const pid_t child = fork();
  if (child != 0) return child;
  State state;
  Watchdog watchdog(state.L, {milliseconds(20), std::chrono::seconds(2), std::chrono::hours(1)}, no_end);
  lua_pushinteger(state.L, begun);
  lua_pushcclosure(
      state.L,
      [](lua_State* L) {
        return write(static_cast<int>(lua_tointeger(L, lua_upvalueindex(1))), "!", 1) == 1 ? 0 : luaL_error(L, "write");
      },
      1);
  lua_setglobal(state.L, "begin");
  const std::string error =
      run(state, watchdog, "begin() local from = os.clock() while os.clock() < from + 0.05 do end");
  _exit(error.empty() ? 0 : 1);
}

TEST_CASE("a process that was stopped has not been stuck") {
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  const pid_t child = start_brief_stretch(pipe_ends[1]);
  REQUIRE(child > 0);
  char byte;
  REQUIRE(read(pipe_ends[0], &byte, 1) == 1);
  kill(child, SIGSTOP);
  std::this_thread::sleep_for(std::chrono::seconds(3));  // longer than a stretch may last
  kill(child, SIGCONT);
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  for (const int end : pipe_ends) close(end);
}

TEST_CASE("a profile signal that comes after the end does no harm") {
  State state;
  { Watchdog watchdog(state.L, short_limits(), no_end); }
  CHECK(std::raise(SIGPROF) == 0);
}

}  // namespace
}  // namespace lgen::lua
