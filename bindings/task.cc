// The only file where Lua yields and is resumed.
//
// A wait is: a binding checks (check_can_wait), starts an operation that knows the task, and ends in
// `return task.await(L, waiter)`, which yields. When the operation completes, on the loop and never inside the starting
// call, it calls task.wake(push): `push` leaves the results on the coroutine's stack and the coroutine goes on.
//
// Cancelling: the flag is set, the waiter is asked to end early, and when it wakes the task, lgen.cancelled is raised
// inside the coroutine instead of results being returned. Lua's C API cannot resume a coroutine with an error, so a
// count hook of one instruction is set around that resume and raises. It costs nothing to tasks that are not cancelled.
// Every further wait raises at once (check_can_wait), and when a loop of pcalls ignores even that, every instruction
// does: a pcall cannot keep a task alive.
//
// The end of a task: what it has left open is closed, its children are cancelled, and only when the last of them has
// ended the task counts as finished: nothing is still running that nobody waits for.
#include "task.h"

#include <fmt/format.h>

#include <algorithm>

#include "gc_pacer.h"
#include "grpc_metadata.h"
#include "host.h"
#include "stack.h"
#include "vu_lua.h"
#include "watchdog.h"

namespace lgen::lua {
namespace {

/// Registry key of lgen.cancelled, the value raised in cancelled tasks.
constexpr char kCancelledKey = 0;

/// So many waits a cancelled task may try, each in a pcall of its own, to clean up behind itself.
constexpr int kMostRefusals = 100;

void raise_cancelled_always(lua_State* L, lua_Debug*) {
  push_cancelled(L);
  lua_error(L);
}

void raise_cancelled_once(lua_State* L, lua_Debug* event) {
  lua_sethook(L, nullptr, 0, 0);
  raise_cancelled_always(L, event);
}

/// coroutine.yield in a task's own coroutine: raised there, at the plan's line.
void refuse_foreign_yield(lua_State* L, lua_Debug*) {
  lua_sethook(L, nullptr, 0, 0);
  raise(L, "coroutine.yield works only inside a coroutine of your own; let others run with lgen.yield or lgen.sleep");
}

bool is_cancelled_value(lua_State* L, int index) {
  const int absolute = lua_gettop(L) + index + 1;
  push_cancelled(L);
  const bool same = lua_rawequal(L, absolute, -1) != 0;
  lua_pop(L, 1);
  return same;
}

/// "table.sort" for the function at the top of L, "" for one that is in no library.
std::string library_name(lua_State* L) {
  const int function = lua_gettop(L);
  std::string name;
  for (const char* library : {"table", "string", "coroutine", "io", "os", "_G"}) {
    lua_getglobal(L, library);
    lua_pushnil(L);
    while (name.empty() && lua_next(L, -2)) {
      if (lua_rawequal(L, -1, function)) name = fmt::format("{}.{}", library, to_view(L, -2));
      lua_pop(L, 1);
    }
    lua_settop(L, function);
  }
  return name.starts_with("_G.") ? name.substr(3) : name;
}

/// Name of the C function that keeps L from yielding, e.g. "table.sort". A yield goes through pcall and xpcall.
std::string blocking_function(lua_State* L) {
  lua_Debug frame;
  for (int level = 1; lua_getstack(L, level, &frame); ++level) {
    lua_getinfo(L, "Sf", &frame);
    const bool for_metadata = lua_tocfunction(L, -1) == call_metadata_function;
    const std::string name = frame.what[0] == 'C' ? library_name(L) : "";
    lua_pop(L, 1);
    if (for_metadata) return "a metadata function";
    if (!name.empty() && name != "pcall" && name != "xpcall") return name;
  }
  return "a C function";
}

}  // namespace

void make_cancelled_value(lua_State* L) {
  lua_pushlightuserdata(L, const_cast<char*>(&kCancelledKey));
  lua_newtable(L);
  lua_newtable(L);
  lua_pushcfunction(L, [](lua_State* S) {
    lua_pushliteral(S, "cancelled");
    return 1;
  });
  lua_setfield(L, -2, "__tostring");
  lua_setmetatable(L, -2);
  lua_rawset(L, LUA_REGISTRYINDEX);
}

void push_cancelled(lua_State* L) {
  lua_pushlightuserdata(L, const_cast<char*>(&kCancelledKey));
  lua_rawget(L, LUA_REGISTRYINDEX);
}

/// A task's timer, made at its first sleep.
class Task::Sleep final : public Waiter {
 public:
  explicit Sleep(Task& task) : timer(task.host().loop, [&task] { task.wake([](lua_State*) { return 0; }); }) {}
  void interrupt() noexcept override { timer.arm(TimePoint{}); }
  Timer timer;
};

Task::Task(Host& host, Task* parent, LuaVu* vu, Ended ended)
    : host_(host), parent_(parent), vu_(vu), ended_(std::move(ended)) {
  const std::uint64_t number = parent ? ++parent->children_made_ : (vu ? 0 : ++host.hooks_made);
  id_ = host.task_seed(parent ? parent->id_ : (vu ? vu->next_task_seed() : 0), number);
  tags_ = parent ? parent->tags_ : (vu ? vu->tags() : host.no_tags);
  if (parent) parent->children_.add(*this);
  if (vu) vu->task_begins(*this);
}

Task::~Task() {
  if (co_ref_ != LUA_NOREF) luaL_unref(host_.L, LUA_REGISTRYINDEX, co_ref_);
  if (problem_) luaL_unref(host_.L, LUA_REGISTRYINDEX, problem_->reference);
  if (owns_function_) luaL_unref(host_.L, LUA_REGISTRYINDEX, function_);
}

Task& Task::make(Host& host, lua_State* L, int arguments, Task* parent, LuaVu* vu, Ended ended) {
  auto* task = new (host.task_memory.take(sizeof(Task))) Task(host, parent, vu, std::move(ended));
  task->co_ = vu ? vu->take_coroutine(task->co_ref_) : nullptr;
  if (!task->co_) {
    task->co_ = lua_newthread(L);
    task->co_ref_ = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  if (parent) {
    lua_pushvalue(L, -1 - arguments);
    task->function_ = luaL_ref(L, LUA_REGISTRYINDEX);
    task->owns_function_ = true;
  }
  lua_xmove(L, task->co_, arguments + 1);
  task->arguments_ = arguments;
  return *task;
}

std::string Task::beginning() const {
  lua_State* L = host_.L;
  lua_rawgeti(L, LUA_REGISTRYINDEX, function_);
  lua_Debug function;
  if (lua_type(L, -1) != LUA_TFUNCTION) return lua_pop(L, 1), "";
  lua_getinfo(L, ">S", &function);
  if (function.linedefined <= 0 || function.source[0] != '@') return "";
  return fmt::format("{}:{}: in the function that begins here: ", function.source + 1, function.linedefined);
}

void Task::begin() {
  if (cancel_requested_) {  // cancelled before its first line: there is nothing to unwind
    lua_settop(co_, 0);
    end_ = TaskEnd::cancelled;
    drain();
    return;
  }
  beginning_ = true;
  resume(arguments_);
  beginning_ = false;
}

Task& Task::check_can_wait(lua_State* L, std::string_view what) {
  Host& host = host_of(L);
  host.forbid_at_load(L, what);
  Task* task = host.current;
  if (!task) raise(L, fmt::format("{}: waiting is possible only inside setup, run, teardown or lgen.spawn", what));
  if (L != task->co_) {
    raise(L, fmt::format("{}: waiting inside a coroutine of your own is not possible; use lgen.spawn", what));
  }
  if (!lua_isyieldable(L)) {
    raise(L, fmt::format("yield not possible inside {}; collect first, then wait", blocking_function(L)));
  }
  task->raise_if_cancelled(L);
  return *task;
}

void Task::raise_if_cancelled(lua_State* L) {
  if (!cancel_requested_) return;
  if (++refusals_ == kMostRefusals) lua_sethook(L, raise_cancelled_always, LUA_MASKCOUNT, 1);
  push_cancelled(L);
  lua_error(L);
}

int Task::await(lua_State* L, Waiter& waiter) {
  waiter_ = &waiter;
  return lua_yield(L, 0);
}

int Task::await_turn(lua_State* L) {
  struct Turn final : Waiter {
    void interrupt() noexcept override {}  // it comes anyway
  };
  static Turn turn;
  host_.loop.post([this] { wake([](lua_State*) { return 0; }); });
  return await(L, turn);
}

int Task::await_sleep(lua_State* L, TimePoint when) {
  if (!sleep_) sleep_ = std::make_unique<Sleep>(*this);
  sleep_->timer.arm(when);
  return await(L, *sleep_);
}

void Task::resume(int results) {
  state_ = State::running;
  const bool raise_in_it = cancel_requested_ && lua_status(co_) == LUA_YIELD;
  interrupted_ = interrupted_ || raise_in_it;
  host_.current = this;
  if (raise_in_it) lua_sethook(co_, raise_cancelled_once, LUA_MASKCOUNT, 1);
  host_.watchdog->enter();
  int status = lua_resume(co_, results);
  while (status == LUA_YIELD && !waiter_) {  // not by await(): nobody would ever wake it
    lua_settop(co_, 0);
    lua_sethook(co_, refuse_foreign_yield, LUA_MASKCOUNT, 1);
    status = lua_resume(co_, 0);
  }
  host_.watchdog->leave();
  if (raise_in_it || refusals_ >= kMostRefusals) lua_sethook(co_, nullptr, 0, 0);
  host_.current = nullptr;
  if (host_.watchdog->has_meddled()) host_.end_what_never_yields();
  if (status == LUA_YIELD) {
    state_ = State::waiting;
    return;
  }
  body_ended(status);
}

void Task::body_ended(int status) {
  if (child_failed_) {
    end_ = TaskEnd::failed;
    lua_settop(co_, 0);
  } else if (status == 0) {
    end_ = interrupted_ ? TaskEnd::cancelled : TaskEnd::returned;  // it caught lgen.cancelled and went home
  } else if (is_cancelled_value(co_, -1)) {
    end_ = TaskEnd::cancelled;
    lua_pop(co_, 1);
  } else {
    keep_error();
  }
  drain();
}

void Task::drain() {
  state_ = State::draining;
  while (!resources_.empty()) {
    resources_.take_last().task_ended();
  }
  for (Task* child : children_) child->cancel();
  if (!children_.empty()) return;
  if (beginning_ || host_.current) {
    host_.loop.post([this] { finish(); });
  } else {
    finish();
  }
}

/// The error value stays for join(); its text, with the traceback of the coroutine, for reports. Lua puts the place in
/// front of texts alone; a table says as little as `nil, err` where it was raised.
void Task::keep_error() {
  end_ = TaskEnd::failed;
  std::string place = lua_type(co_, -1) == LUA_TSTRING ? "" : where(co_);
  if (place.empty() && lua_type(co_, -1) != LUA_TSTRING) place = beginning();
  lua_pushvalue(co_, -1);
  lua_pushvalue(co_, -1);
  lua_xmove(co_, host_.L, 2);
  problem_ = std::make_unique<Problem>();
  problem_->text = place + pop_error_text(host_.L);
  problem_->reference = luaL_ref(host_.L, LUA_REGISTRYINDEX);
  luaL_traceback(host_.L, co_, nullptr, 0);
  problem_->traceback = to_view(host_.L, -1);
  lua_pop(host_.L, 1);
  lua_settop(co_, 0);
}

void Task::finish() {
  if (state_ != State::draining) return;
  state_ = State::finished;
  retain();  // whoever waited for it goes on inside a listener, and may drop the last handle
  if (end_ == TaskEnd::failed && parent_ && !joined_) parent_->fail_with(*this);
  if (const auto listeners = std::exchange(listeners_, {})) {
    for (const Ended& listener : *listeners) listener(*this, end_);
  }
  if (parent_) parent_->child_ended(*this);
  if (LuaVu* vu = std::exchange(vu_, nullptr)) {
    vu->task_ends(*this);
    if (end_ == TaskEnd::returned && !holds_results_) {
      lua_settop(co_, 0);
      vu->give_coroutine(co_, std::exchange(co_ref_, LUA_NOREF));
    }
  }
  if (const Ended ended = std::exchange(ended_, {})) ended(*this, end_);
  parent_ = nullptr;
  release();
}

void Task::child_ended(Task& child) {
  children_.remove(child);
  if (state_ == State::draining && children_.empty()) host_.loop.post([this] { finish(); });
}

/// An error nobody joins ends the parent with the same error, at its current wait.
void Task::fail_with(Task& child) {
  if (state_ == State::draining || state_ == State::finished || child_failed_) return;
  lua_rawgeti(host_.L, LUA_REGISTRYINDEX, child.error_ref());
  problem_ =
      std::make_unique<Problem>(Problem{luaL_ref(host_.L, LUA_REGISTRYINDEX), child.error_text(), child.traceback()});
  child_failed_ = true;
  cancel();
}

void Task::cancel() noexcept {
  if (cancel_requested_ || state_ == State::finished) return;
  cancel_requested_ = true;
  for (Task* child : children_) child->cancel();
  if (waiter_) waiter_->interrupt();
}

std::optional<Duration> Task::take_lateness() {
  for (Task* task = this; task; task = task->parent_) {
    if (task->iteration_late_ == kInTime && task->tick_late_ == kInTime) continue;
    Duration late{0};
    for (Duration* part : {&task->iteration_late_, &task->tick_late_}) {
      if (const Duration taken = std::exchange(*part, kInTime); taken != kInTime) late += taken;
    }
    return late;
  }
  return std::nullopt;
}

void Task::disown(TaskResource& resource) noexcept { resources_.remove(resource); }

void Task::release() {
  if (--references_ != 0 || state_ != State::finished) return;
  FreeMemory& memory = host_.task_memory;
  this->~Task();
  memory.give(this);
}

}  // namespace lgen::lua
