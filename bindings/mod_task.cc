#include "mod_task.h"

#include "host.h"
#include "lgen/loop.h"
#include "lgen/units.h"
#include "modules.h"

namespace lgen::lua {
namespace {

/// A wait for tasks, or for a time limit: until the first has ended, or until all have returned, in which case the
/// first one that does anything else ends the wait. Lives until it has woken its task.
class TaskWait final : public Waiter {
 public:
  enum class Until { first, all };

  TaskWait(Task& waiting, const std::vector<std::pair<int, Task*>>& tasks, Until until)
      : waiting_(waiting),
        until_(until),
        open_(tasks.size()),
        shared_(std::make_shared<TaskWait*>(this)),
        timer_(waiting.host().loop, [this] { wake(0); }) {
    for (const auto& [index, task] : tasks) {
      task->on_end([shared = shared_, index = index](Task&, TaskEnd end) {
        if (*shared) (*shared)->ended(index, end);
      });
    }
  }
  void limit(TimePoint when) { timer_.arm(when); }
  void interrupt() noexcept override { timer_.arm(TimePoint{}); }

 private:
  void ended(int index, TaskEnd end) {
    --open_;
    if (until_ == Until::first || end != TaskEnd::returned) return wake(index);
    if (open_ == 0) wake(0);
  }
  void wake(int index) {
    *shared_ = nullptr;
    Task& waiting = waiting_;
    delete this;
    waiting.wake([index](lua_State* co) {
      index ? lua_pushinteger(co, index) : lua_pushnil(co);
      return 1;
    });
  }

  Task& waiting_;
  const Until until_;
  std::size_t open_;
  std::shared_ptr<TaskWait*> shared_;  // listeners outlive the wait
  Timer timer_;
};

/// spawn(fn, ...): a child of the running task; its first line runs after the current stretch of plan code.
int spawn(lua_State* L) {
  check_function(L, 1, "lgen.spawn");
  Host& host = host_of(L);
  host.forbid_at_load(L, "lgen.spawn");
  if (!host.current) raise(L, "lgen.spawn: only inside setup, run, teardown or another task");
  host.current->raise_if_cancelled(L);
  Task& parent = *host.current;
  Task& task = Task::make(host, L, lua_gettop(L) - 1, &parent, parent.vu(), {});
  task.hold_results();
  push_object<TaskHandle>(L, task);
  task.retain();
  host.loop.post([&task] {
    task.begin();
    task.release();
  });
  return 1;
}

Task& self(lua_State* L, std::string_view what) { return *check_object<TaskHandle>(L, 1, what).task; }

int cancel(lua_State* L) {
  self(L, "task:cancel").cancel();
  return 0;
}

int done(lua_State* L) {
  lua_pushboolean(L, self(L, "task:done").finished());
  return 1;
}

/// The tasks of the list at 1, numbered; those that have ended are left out, `ended` is called for them and may say
/// that there is nothing to wait for. Their failures are now the caller's.
template <class Ended>
std::optional<int> gather(lua_State* L, Task& waiting, std::vector<std::pair<int, Task*>>& open, Ended ended) {
  const auto count = static_cast<int>(lua_objlen(L, 1));
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(L, 1, i);
    Task* task = check_object<TaskHandle>(L, -1, "waiting for a task").task;
    lua_pop(L, 1);
    if (task == &waiting) raise(L, "a task cannot wait for itself");
    task->set_joined(true);
    if (!task->finished()) {
      open.emplace_back(i, task);
    } else if (ended(task->end())) {
      return i;
    }
  }
  return std::nullopt;
}

/// wait_any({tasks}, seconds|nil) -> index of the first that has ended, or nil: the time is up.
int wait_any(lua_State* L) {
  Task& waiting = Task::check_can_wait(L, "waiting for a task");
  std::optional<Duration> limit;
  if (!lua_isnoneornil(L, 2)) limit = check_duration(L, 2, "time limit");
  std::vector<std::pair<int, Task*>> open;
  if (const auto ended = gather(L, waiting, open, [](TaskEnd) { return true; })) {
    lua_pushinteger(L, *ended);
    return 1;
  }
  auto* wait = new TaskWait(waiting, open, TaskWait::Until::first);
  if (limit) wait->limit(later(waiting.host().loop.precise_now(), *limit));
  return waiting.await(L, *wait);
}

/// wait_all({tasks}) -> nil: all have returned, or the index of one that has failed or was cancelled.
int wait_all(lua_State* L) {
  Task& waiting = Task::check_can_wait(L, "waiting for tasks");
  std::vector<std::pair<int, Task*>> open;
  if (const auto bad = gather(L, waiting, open, [](TaskEnd end) { return end != TaskEnd::returned; })) {
    lua_pushinteger(L, *bad);
    return 1;
  }
  if (open.empty()) return 0;
  return waiting.await(L, *new TaskWait(waiting, open, TaskWait::Until::all));
}

/// adopt(task, yes): whether its failure is reported to whoever joins it, or to its parent.
int adopt(lua_State* L) {
  self(L, "joining a task").set_joined(lua_toboolean(L, 2) != 0);
  return 0;
}

/// results(task) -> status ("returned", "failed", "cancelled"), then the values or the error value.
int results(lua_State* L) {
  Task& task = self(L, "joining a task");
  switch (task.end()) {
    case TaskEnd::returned: {
      lua_pushliteral(L, "returned");
      lua_State* co = task.co();
      const int count = lua_gettop(co);
      luaL_checkstack(L, count, "too many results");
      for (int i = 1; i <= count; ++i) lua_pushvalue(co, i);
      lua_xmove(co, L, count);
      return 1 + count;
    }
    case TaskEnd::failed:
      lua_pushliteral(L, "failed");
      lua_rawgeti(L, LUA_REGISTRYINDEX, task.error_ref());
      return 2;
    case TaskEnd::cancelled:
      break;
  }
  lua_pushliteral(L, "cancelled");
  push_cancelled(L);
  return 2;
}

int is_task(lua_State* L) {
  lua_pushboolean(L, test_object<TaskHandle>(L, 1) != nullptr);
  return 1;
}

/// timeout_error(limit): the err of a time limit.
int timeout_error(lua_State* L) {
  const std::string text = "not done within " + format_duration(check_duration(L, 1, "time limit"));
  push_error(L, "DEADLINE_EXCEEDED", 4, text, "timeout");
  return 1;
}

/// raise(message) at the plan's line, for the parts of the API that are written in Lua.
int raise_at_plan(lua_State* L) { raise(L, check_string(L, 1, "raise")); }

constexpr Binding kTaskMethods[] = {
    {"join", nullptr, "fun(self: lgen.Task, timeout?: lgen.Duration): ...",
     "[Y R E] Waits for the task; returns its values or raises its error; nil, err when the time is up."},
    {"cancel", cancel, "fun(self: lgen.Task)",
     "lgen.cancelled is raised at the task's current and every further wait."},
    {"done", done, "fun(self: lgen.Task): boolean", "Whether it has ended."},
};

constexpr Binding kPrimitives[] = {
    {"spawn", spawn, "fun(fn: function, ...): lgen.Task", ""},
    {"wait_any", wait_any, "fun(tasks: lgen.Task[], timeout?: lgen.Duration): integer?", ""},
    {"wait_all", wait_all, "fun(tasks: lgen.Task[]): integer?", ""},
    {"adopt", adopt, "fun(task: lgen.Task, yes: boolean)", ""},
    {"results", results, "fun(task: lgen.Task): string, ...", ""},
    {"is_task", is_task, "fun(value: any): boolean", ""},
    {"timeout_error", timeout_error, "fun(seconds: lgen.Duration): lgen.Error", ""},
    {"raise", raise_at_plan, "fun(message: string)", ""},
};

}  // namespace

const Module kTaskClass{.name = "lgen.Task",
                        .doc = "A task started by lgen.spawn.",
                        .bindings = kTaskMethods,
                        .object = &TaskHandle::kType,
                        .collect = collect_object<TaskHandle>};
const Module kTaskPrimitives{.name = "_tasks", .doc = "", .bindings = kPrimitives};

}  // namespace lgen::lua
