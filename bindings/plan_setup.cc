#include "plan_setup.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "host.h"
#include "json_values.h"
#include "mod_grpc.h"
#include "mod_prom.h"
#include "proto_reflection.h"
#include "stack.h"
#include "table_cycle.h"
#include "task.h"
#include "wide_integer.h"

namespace lgen::lua {
namespace {

constexpr int kMaxDepth = 64;  // of the data setup returns
constexpr const char* kNestedTooDeep = "tables nested too deep";

int refuse_new_key(lua_State* L) {
  raise(L, fmt::format("what setup returned is shared by all VUs and frozen; key {} cannot be added (use vu.state)",
                       describe(L, 2)));
}

/// Replaces the value at the top of L by a deep copy that plan code cannot extend. False: it holds something that is
/// no plain data; `what` says what.
bool freeze(lua_State* L, int depth, std::string& what) {
  const int type = lua_type(L, -1);
  if (type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER || type == LUA_TSTRING || type == kTypeCdata) {
    return true;
  }
  if (is_null(L, -1)) return true;
  if (type != LUA_TTABLE || depth > kMaxDepth) {
    what = type == LUA_TTABLE ? kNestedTooDeep : lua_typename(L, type);
    return false;
  }
  luaL_checkstack(L, 6, "setup data");
  const int source = lua_gettop(L);
  lua_newtable(L);
  lua_pushnil(L);
  while (lua_next(L, source)) {
    if (!freeze(L, depth + 1, what)) return false;
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, source + 1);
  }
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, refuse_new_key);
  lua_setfield(L, -2, "__newindex");
  if (is_array(L, source)) mark_array_metatable(L);
  lua_setmetatable(L, -2);
  lua_remove(L, source);
  return true;
}

/// Functions of the plan, one after another, each as a task of its own that belongs to no VU.
class Steps final : public Operation {
 public:
  /// A function to run, the data it gets, and where what it returns goes (null: nowhere).
  struct Step {
    std::string name;
    int function;
    const int* argument;  // null: nil
    int* result;
  };

  Steps(Host& host, std::function<void(Outcome)> done) : host_(host), done_(std::move(done)) {}

  void add(Step step) { steps_.push_back(std::move(step)); }
  void begin_after_channels() {
    waiting_ = host_.grpc->wait_all_ready(host_.settings.wait_ready, [this](Outcome ready) {
      if (!ready && !cancelled_) host_.connect_failure = ready.error().message;
      ready ? watch() : finish(ready.error());
    });
  }
  /// The pods' pages are read once more at the end.
  void watch_at_end() { watches_at_end_ = true; }
  void begin() {
    host_.loop.post([this] { next(); });
  }

  void cancel() noexcept override {
    cancelled_ = true;
    if (task_) task_->cancel();
    waiting_.cancel();
    fetching_.cancel();
  }
  void drop() noexcept override {
    done_ = {};
    dropped_ = true;
    cancel();
    if (finished_) delete this;
  }

 private:
  ~Steps() = default;

  /// Counters of the system under test begin before the load does.
  void watch() {
    waiting_ = host_.prom->first_pages([this] { fetch(); });
  }

  /// Schemas that a server tells; `lgen check` does without, because it has no network.
  void fetch() {
    if (cancelled_ || host_.input.purpose == PlanPurpose::check || !has_unknown_schemas(host_)) return next();
    fetching_ = fetch_schemas(host_, [this](Outcome known) { known ? next() : finish(known.error()); });
  }

  void next() {
    if (cancelled_) return finish(make_error(ErrorCode::cancelled, "cancelled"));
    if (at_ == steps_.size() && !watches_at_end_) return finish(Done{});
    if (at_ == steps_.size()) {
      waiting_ = host_.prom->last_pages([this] { finish(Done{}); });
      return;
    }
    const Step& step = steps_[at_];
    lua_State* L = host_.L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, step.function);
    lua_rawgeti(L, LUA_REGISTRYINDEX, step.argument ? *step.argument : LUA_REFNIL);
    task_ = &Task::make(host_, L, 1, nullptr, nullptr, [this](Task& task, TaskEnd end) { ended(task, end); });
    task_->set_function(step.function);
    task_->hold_results();
    task_->begin();
  }

  void ended(Task& task, TaskEnd end) {
    task_ = nullptr;
    const Step& step = steps_[at_++];
    if (end == TaskEnd::cancelled) return finish(make_error(ErrorCode::cancelled, step.name + ": cancelled"));
    if (end == TaskEnd::failed) {
      return finish(make_error(ErrorCode::invalid_argument, fmt::format("{}: {}", step.name, task.error_text())));
    }
    if (step.result) {
      if (const Outcome kept = keep_result(step, task); !kept) return finish(kept.error());
    }
    next();
  }

  /// Of what lies at the bottom of the stack.
  static std::string explain_depth(lua_State* co) {
    const auto cycle = find_cycle(co, 1);
    return cycle ? fmt::format("{} at {}", kContainsItself, cycle->starts_with('.') ? cycle->substr(1) : *cycle)
                 : kNestedTooDeep;
  }

  Outcome keep_result(const Step& step, Task& task) {
    lua_State* co = task.co();
    lua_settop(co, 1);
    std::string what;
    if (!freeze(co, 0, what)) {
      if (what == kNestedTooDeep) what = explain_depth(co);
      return make_error(ErrorCode::invalid_argument,
                        fmt::format("{}: what it returns is shared by all VUs and must be plain data (nil, booleans, "
                                    "numbers, strings, tables of these), got {}",
                                    step.name, what));
    }
    lua_xmove(co, host_.L, 1);
    *step.result = luaL_ref(host_.L, LUA_REGISTRYINDEX);
    return Done{};
  }

  void finish(Outcome outcome) {
    if (auto done = std::exchange(done_, {})) done(std::move(outcome));
    finished_ = true;
    if (dropped_) delete this;
  }

  Host& host_;
  std::function<void(Outcome)> done_;
  std::vector<Step> steps_;
  std::size_t at_ = 0;
  Task* task_ = nullptr;
  Op waiting_, fetching_;
  bool watches_at_end_ = false;
  bool cancelled_ = false, dropped_ = false, finished_ = false;
};

}  // namespace

Op run_setup(Host& host, std::function<void(Outcome)> done) {
  host.phase = Phase::setup;
  auto* steps = new Steps(host, [&host, done = std::move(done)](Outcome outcome) {
    host.phase = Phase::run;
    done(std::move(outcome));
  });
  if (host.decl.setup != LUA_NOREF) steps->add({"setup", host.decl.setup, nullptr, &host.decl.data});
  for (const auto& scenario : host.decl.scenarios) {
    if (scenario->setup == LUA_NOREF) continue;
    steps->add({fmt::format("setup of scenario '{}'", scenario->spec.name), scenario->setup, &host.decl.data,
                &scenario->data});
  }
  steps->begin_after_channels();
  return Op(steps);
}

Op run_teardown(Host& host, std::function<void(Outcome)> done) {
  host.phase = Phase::teardown;
  auto* steps = new Steps(host, std::move(done));
  if (host.decl.teardown != LUA_NOREF) steps->add({"teardown", host.decl.teardown, &host.decl.data, nullptr});
  steps->watch_at_end();
  steps->begin();
  return Op(steps);
}

}  // namespace lgen::lua
