// "Do this soon": runs one task on the loop, outside the caller, once however often it was asked for, and not at all
// when its owner is gone by then. What completions and calls from plans use instead of acting on the spot.
// Thread: the loop's.
// Lifetime: may be destroyed at any time, also inside its task.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "lgen/loop.h"

namespace lgen {

class Soon {
 public:
  Soon(Loop& loop, std::function<void()> task) : loop_(loop), state_(std::make_shared<State>()) {
    state_->task = std::move(task);
  }

  void ask() {
    if (std::exchange(state_->asked, true)) return;
    loop_.post([weak = std::weak_ptr<State>(state_)] {
      const std::shared_ptr<State> state = weak.lock();
      if (!state) return;
      state->asked = false;
      state->task();
    });
  }

 private:
  struct State {
    std::function<void()> task;
    bool asked = false;
  };
  Loop& loop_;
  std::shared_ptr<State> state_;
};

}  // namespace lgen
