// lgen.spawn's handle and the primitives that lua/tasks.lua builds join, all, race and timeout from.
// Thread: the loop's.
#pragma once

#include "stack.h"
#include "task.h"

namespace lgen::lua {

/// What lgen.spawn returns. Keeps the Task's result alive.
struct TaskHandle {
  static constexpr ObjectType kType{"lgen.Task"};
  explicit TaskHandle(Task& t) : task(&t) { task->retain(); }
  ~TaskHandle() { task->release(); }
  TaskHandle(const TaskHandle&) = delete;
  TaskHandle(TaskHandle&& other) noexcept : task(other.task) { task->retain(); }
  Task* task;
};

}  // namespace lgen::lua
