#include "mod_task.h"

#include "host.h"
#include "lgen/loop.h"
#include "lgen/units.h"
#include "modules.h"

namespace lgen::lua {
namespace {

/// A wait for the first of several tasks to end, or for a time limit. Lives until it has woken its task.
class WaitAny final : public Waiter {
 public:
  WaitAny(Task& waiting, std::vector<Task*> tasks)
      : waiting_(waiting), shared_(std::make_shared<WaitAny*>(this)), timer_(waiting.host().loop, [this] { end(0); }) {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      tasks[i]->on_end([shared = shared_, i](Task&, TaskEnd) {
        if (*shared) (*shared)->end(static_cast<int>(i) + 1);
      });
    }
  }
  void limit(TimePoint when) { timer_.arm(when); }
  void interrupt() noexcept override { timer_.arm(TimePoint{}); }

 private:
  void end(int index) {
    *shared_ = nullptr;
    Task& waiting = waiting_;
    delete this;
    waiting.wake([index](lua_State* co) {
      index ? lua_pushinteger(co, index) : lua_pushnil(co);
      return 1;
    });
  }

  Task& waiting_;
  std::shared_ptr<WaitAny*> shared_;  // listeners outlive the wait
  Timer timer_;
};

/// spawn(fn, ...): a child of the running task; its first line runs after the current stretch of plan code.
int spawn(lua_State* L) {
  check_function(L, 1, "lgen.spawn");
  Host& host = host_of(L);
  host.forbid_at_load(L, "lgen.spawn");
  if (!host.current) raise(L, "lgen.spawn: only inside setup, run, teardown or another task");
  if (host.current->cancel_requested()) {
    push_cancelled(L);
    return lua_error(L);
  }
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

/// wait_any({tasks}, seconds|nil) -> index of the first that has ended, or nil. Their failures are now the caller's.
int wait_any(lua_State* L) {
  Task& waiting = Task::check_can_wait(L, "waiting for a task");
  std::vector<Task*> tasks;
  const auto count = static_cast<int>(lua_objlen(L, 1));
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(L, 1, i);
    Task* task = check_object<TaskHandle>(L, -1, "waiting for a task").task;
    task->set_joined();
    if (task->finished()) {
      lua_pushinteger(L, i);
      return 1;
    }
    tasks.push_back(task);
    lua_pop(L, 1);
  }
  auto* wait = new WaitAny(waiting, std::move(tasks));
  if (!lua_isnoneornil(L, 2)) {
    wait->limit(waiting.host().loop.precise_now() + check_duration(L, 2, "time limit"));
  }
  return waiting.await(L, *wait);
}

/// adopt(task): its failure is reported to whoever joins it, not to its parent.
int adopt(lua_State* L) {
  self(L, "joining a task").set_joined();
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

constexpr Binding kTaskMethods[] = {
    {"join", nullptr, "fun(self: lgen.Task, timeout?: lgen.Duration): ...",
     "[Y R E] Waits for the task; returns its values or raises its error; nil, err when the time is up."},
    {"cancel", cancel, "fun(self: lgen.Task)",
     "lgen.cancelled is raised at the task's current and every further wait."},
    {"done", done, "fun(self: lgen.Task): boolean", "Whether it has ended."},
};

constexpr Binding kPrimitives[] = {
    {"spawn", spawn, "fun(fn: function, ...): lgen.Task", ""},
    {"wait_any", wait_any, "fun(tasks: lgen.Task[], timeout?: number): integer?", ""},
    {"adopt", adopt, "fun(task: lgen.Task)", ""},
    {"results", results, "fun(task: lgen.Task): string, ...", ""},
    {"is_task", is_task, "fun(value: any): boolean", ""},
    {"timeout_error", timeout_error, "fun(seconds: number): lgen.Error", ""},
};

}  // namespace

const Module kTaskClass{.name = "lgen.Task",
                        .doc = "A task started by lgen.spawn.",
                        .bindings = kTaskMethods,
                        .object = &TaskHandle::kType,
                        .collect = collect_object<TaskHandle>};
const Module kTaskPrimitives{.name = "_tasks", .doc = "", .bindings = kPrimitives};

}  // namespace lgen::lua
