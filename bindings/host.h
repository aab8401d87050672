// Everything one plan needs to run, in one place: the Lua state, the engine's parts it uses, and what it has declared.
// Passed by reference to all bindings (upvalue 1); no globals.
// Thread: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <lua.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "free_list.h"
#include "lgen/distribution.h"
#include "lgen/loop.h"
#include "lgen/metrics.h"
#include "lgen/plan.h"
#include "lgen/recorder.h"
#include "lgen/redact.h"
#include "lgen/runner.h"
#include "lgen/summary.h"
#include "lua_memory.h"
#include "stack.h"
#include "task.h"

namespace lgen::lua {

struct HttpState;     // mod_http.h: HTTP clients, requests in flight
struct GrpcState;     // mod_grpc.h: channels, pools, streams still open
struct ProtoState;    // mod_proto.h: schemas and method handles
struct PromState;     // mod_prom.h: what is watched of the system under test
struct MetricsState;  // mod_metrics.h: user metrics, thresholds, checks, distributions, events
class Watchdog;
class GcPacer;

/// How many lines one place in the plan has logged in its current second.
struct LogSite {
  std::int64_t second = 0;
  std::uint64_t lines = 0;
};

enum class Phase { load, setup, run, teardown };

/// lgen.scenario as declared; functions are registry references.
struct ScenarioDecl {
  ScenarioSpec spec;
  int run = LUA_NOREF, vu_start = LUA_NOREF, vu_stop = LUA_NOREF, setup = LUA_NOREF;
  int data = LUA_REFNIL;  // vu.data, where the scenario has a setup of its own
  std::string where;
  TagSet tags;  // what its tasks start with; made by Host::scenario_tags
};

struct PlanDecl {
  bool declared = false;  // by lgen.plan
  std::string name, about;
  std::vector<PlanOption> options;
  Fields option_values;  // for the report, secrets left out
  bool options_declared = false;
  std::vector<std::unique_ptr<ScenarioDecl>> scenarios;
  int setup = LUA_NOREF, teardown = LUA_NOREF;
  int data = LUA_REFNIL;  // what lgen.setup returned, frozen
};

inline constexpr std::string_view kWarmup = "warmup";  // the phase that does not count

struct Host {
  Host(Loop& loop, Metrics& metrics, PlanInput input);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  Loop& loop;
  Metrics& metrics;
  Recorder recorder;
  PlanInput input;
  Settings settings;
  LuaMemory lua_memory;
  lua_State* L = nullptr;
  /// Errors behind a tail call are said to be where the running task begins.
  const FallbackPlace place_of_task = [this](lua_State* at) {
    return current != nullptr && current->co() == at ? current->beginning() : std::string();
  };
  Phase phase = Phase::load;
  PlanDecl decl;
  Runner* runner = nullptr;
  std::string connect_failure;
  std::string misfit;  // why the plan does not fit the server

  std::unique_ptr<GrpcState> grpc;
  std::unique_ptr<HttpState> http;
  std::unique_ptr<ProtoState> proto;
  std::unique_ptr<MetricsState> measure;
  std::unique_ptr<PromState> prom;
  std::unique_ptr<Watchdog> watchdog;
  std::unique_ptr<GcPacer> gc;

  /// The task whose coroutine is running now; null at load.
  Task* current = nullptr;
  FreeMemory task_memory, run_memory;  // of Tasks, and of LuaVu's iterations
  std::uint64_t hooks_made = 0;        // tasks so far that are neither a VU's nor another task's: setup, teardown

  /// Raises at load: "network call while the plan is loading (ch:wait_ready); move it into lgen.setup or run".
  void forbid_at_load(lua_State* L, std::string_view what) const;
  /// Raises outside load: "lgen.scenario: only while the plan is loading, not inside run".
  void only_at_load(lua_State* L, std::string_view what) const;

  /// The random seed of the `number`-th task below `parent` (another task's seed, a VU's, or 0).
  std::uint64_t task_seed(std::uint64_t parent, std::uint64_t number) const {
    return mix64(settings.seed ^ mix64(parent + number * 0x9e3779b97f4a7c15ull));
  }

  /// The running task's stream of random numbers; while the plan loads, one of the plan's own.
  Random& random() { return current ? current->random() : load_random; }

  /// From now on nothing that lgen writes has it, be it as it is or as a trace writes it.
  void keep_secret(std::string_view text);

  /// Seconds since the start of the run (0 before).
  double now_seconds() const;
  /// Counts an error for the report and tells whoever listens; `at` is filled in.
  void add_error(Failure failure);
  /// Tells whoever listens, and counts nothing.
  void tell_failure(Failure failure) const;

  /// An error raised by plan code inside an iteration or vu_start/vu_stop: logged, counted, the run goes on.
  void plan_error(const std::string& text, const std::string& traceback, std::string_view scenario,
                  std::string_view in_phase);
  /// The watchdog has interfered with the stretch that has just ended; when it had to end it, the run ends, too.
  void end_what_never_yields();
  /// Tags every task of the scenario starts with: --tag, then the scenario's own.
  /// One set for all of its VUs. Settings are final when it is first asked for.
  TagSet scenario_tags(ScenarioDecl& scenario) const;

  Redactor redactor;  // of secret values, of options and of data
  std::vector<ErrorSample> errors;
  std::uint64_t errors_dropped = 0;
  std::vector<std::string> printed;  // by the teardown
  std::uint64_t lines_not_kept = 0;  // of that
  TimePoint run_started{};
  std::function<void(const Failure&)> on_failure;          // see Plan::on_failure
  std::function<void(const EventRecord&)> on_event;        // see Plan::on_event
  std::function<void(const std::string& why)> last_words;  // see Plan::on_stuck
  std::unordered_map<std::string, LogSite> log_sites;
  TagSet no_tags;
  Random load_random;  // draws made while the plan loads
};

/// Runs the function below `arguments` values on L's stack in a protected call with a traceback; on an error the
/// message is returned. For calls that may not wait (load time).
Outcome call_protected(lua_State* L, int arguments, int results);

/// Text of the error value at the top of L (popped): strings as they are, err tables by tostring.
std::string pop_error_text(lua_State* L);

/// Pushes err = {code, number, message, kind, ...} with its metatable (tostring gives "CODE: message").
/// kind: "status", "timeout", "connect", "cancelled", "closed".
void push_error(lua_State* L, std::string_view code, int number, std::string_view message, std::string_view kind);

}  // namespace lgen::lua
