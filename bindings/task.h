// A task is one coroutine with what belongs to it: what it waits for, its children, its resources, its random stream,
// its tags. The only place where Lua yields and is resumed.
// Thread: the loop's.
// Lifetime: tasks are owned by the Host and live until their coroutine, their children and their resources have ended.
#pragma once

#include <cstdint>
#include <functional>
#include <lua.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "few.h"
#include "lgen/loop.h"
#include "lgen/metrics.h"
#include "lgen/op.h"
#include "lgen/vu.h"
#include "random.h"
#include "rc.h"

namespace lgen::lua {

struct Host;
class Task;
class LuaVu;

/// What a waiting task waits for. Lives in the operation; wakes the task exactly once through Task::wake.
class Waiter {
 public:
  /// The task is to be cancelled: end soon. wake() must follow, later, on the loop, never inside this call.
  virtual void interrupt() noexcept = 0;

 protected:
  ~Waiter() = default;
};

/// Something that closes with the task that made it: a stream, a connection.
class TaskResource {
 public:
  /// The task has ended and left this open. Detach yourself; the task forgets you.
  virtual void task_ended() noexcept = 0;

 protected:
  ~TaskResource() = default;
};

enum class TaskEnd {
  returned,
  failed,
  cancelled,  // lgen.cancelled reached it, whether it let it pass or not
};

/// Tags of a task, shared by its children until one of them changes its own.
using TagSet = Rc<const Labels>;

class Task {
 public:
  using Ended = std::function<void(Task&, TaskEnd)>;

  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  /// A task for the function at the top of `L` below `arguments` values (all are popped).
  static Task& make(Host& host, lua_State* L, int arguments, Task* parent, LuaVu* vu, Ended ended);
  /// Runs the coroutine until its first wait. `ended` is called later, never inside this call.
  void begin();

  lua_State* co() const { return co_; }
  /// Its function, where it is no child: a reference that outlives it.
  void set_function(int reference) { function_ = reference; }
  /// "plan.lua:10: in the function that begins here: ", for an error whose own line is lost: Lua keeps no frame of what
  /// ends in `return f(...)`. "" for a function that is no plan's.
  std::string beginning() const;
  /// The one that no task has made: a VU's iteration, setup, ...
  Task& root() { return parent_ ? parent_->root() : *this; }
  Host& host() const { return host_; }
  LuaVu* vu() const { return vu_; }
  Random& random() {
    if (!random_.seeded()) random_ = Random(id_);
    return random_;
  }
  const TagSet& tags() const { return tags_; }
  void set_tags(TagSet tags) { tags_ = std::move(tags); }
  std::uint64_t id() const { return id_; }

  /// What the task does next was meant to start earlier by this: its iteration in an open load, or its tick.
  void iteration_is_late(Duration by) { iteration_late_ = by; }
  void tick_is_late(Duration by) { tick_late_ = by; }
  /// Of a call, a stream to be opened or a message to be sent now: its lateness, which counts once. Nothing: no time
  /// was intended. A child takes what its parents have not taken.
  std::optional<Duration> take_lateness();

  /// Last statement of a yielding binding: `return task.await(L, waiter);`. Raises instead of waiting when the task is
  /// cancelled, L is a coroutine of the plan's own, or a C function in between cannot be yielded across.
  /// So call check_can_wait() before starting anything.
  int await(lua_State* L, Waiter& waiter);
  /// Raises when a wait is not possible here. `what` is the binding, "lgen.sleep".
  static Task& check_can_wait(lua_State* L, std::string_view what);
  /// Raises lgen.cancelled in a task that is to end.
  void raise_if_cancelled(lua_State* L);

  /// The operation has ended: `push(co)` pushes its results and returns their number; then the coroutine goes on.
  /// When the task has been cancelled meanwhile, nothing is pushed and lgen.cancelled is raised in it.
  template <class Push>
  void wake(Push&& push) {
    waiter_ = nullptr;
    resume(cancel_requested_ ? 0 : push(co_));
  }

  /// Asks the task to end: lgen.cancelled is raised at its current wait and at every further one.
  void cancel() noexcept;
  bool cancel_requested() const { return cancel_requested_; }
  bool finished() const { return state_ == State::finished; }
  TaskEnd end() const { return end_; }
  /// After `failed`: the error value is in the registry under this reference (LUA_NOREF otherwise).
  int error_ref() const { return problem_ ? problem_->reference : LUA_NOREF; }
  /// After `failed` only.
  const std::string& error_text() const { return problem_->text; }
  const std::string& traceback() const { return problem_->traceback; }
  /// The function's return values stay on co()'s stack until the handle is released (lgen.spawn).
  void hold_results() { holds_results_ = true; }

  void own(TaskResource& resource) { resources_.add(resource); }
  void disown(TaskResource& resource) noexcept;

  /// Last statement of a binding that sleeps: one timer a task, made at its first use.
  int await_sleep(lua_State* L, TimePoint when);

  /// Last statement of a binding that lets everything else that is ready go first.
  int await_turn(lua_State* L);

  /// Handle in Lua (lgen.spawn's result) holds one reference; join() another while it waits.
  void retain() noexcept { ++references_; }
  void release();
  /// The VU is going away before this task has ended.
  void forget_vu() { vu_ = nullptr; }

  /// Called once each when the task has ended, besides `ended`.
  void on_end(Ended listener) {
    if (!listeners_) listeners_ = std::make_unique<std::vector<Ended>>();
    listeners_->push_back(std::move(listener));
  }
  /// Somebody looks after this task's failure (is joining it); otherwise it fails its parent.
  void set_joined(bool joined) { joined_ = joined; }

 private:
  friend struct Host;
  enum class State : std::uint8_t { running, waiting, draining, finished };
  class Sleep;
  /// Why it has failed.
  struct Problem {
    int reference = LUA_NOREF;  // of the error value
    std::string text, traceback;
  };

  Task(Host& host, Task* parent, LuaVu* vu, Ended ended);
  ~Task();

  void resume(int results);
  void body_ended(int status);
  void keep_error();
  void drain();
  void finish();
  void child_ended(Task& child);
  void fail_with(Task& child);

  static constexpr Duration kInTime = Duration::min();

  // In an order that leaves no gaps: a held stream keeps its task.
  Host& host_;
  Task* parent_;
  LuaVu* vu_;
  lua_State* co_ = nullptr;
  std::uint64_t id_;
  int co_ref_ = LUA_NOREF;
  int function_ = LUA_NOREF;
  int refusals_ = 0;  // waits refused since it was cancelled
  int references_ = 0;
  int arguments_ = 0;
  TaskEnd end_ = TaskEnd::returned;
  State state_ = State::running;
  bool owns_function_ = false;
  bool cancel_requested_ = false;
  bool interrupted_ = false;  // lgen.cancelled was raised at its wait
  bool joined_ = false;
  bool holds_results_ = false;
  bool beginning_ = false;
  bool child_failed_ = false;  // the problem is a child's
  std::unique_ptr<Problem> problem_;
  Waiter* waiter_ = nullptr;
  std::unique_ptr<Sleep> sleep_;
  Few<Task> children_;
  Few<TaskResource> resources_;
  std::unique_ptr<std::vector<Ended>> listeners_;
  Ended ended_;
  TagSet tags_;
  Random random_{Random::Unseeded{}};
  std::uint64_t children_made_ = 0;
  Duration iteration_late_ = kInTime, tick_late_ = kInTime;
};

/// lgen.cancelled: the value raised in cancelled tasks.
void make_cancelled_value(lua_State* L);
void push_cancelled(lua_State* L);

}  // namespace lgen::lua
