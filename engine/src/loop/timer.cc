#include <utility>

#include "lgen/loop.h"
#include "loop_state.h"
#include "timer_queue.h"

namespace lgen {

Timer::Timer(Loop& loop, std::function<void()> fire) : Timer(loop.internals().timers, std::move(fire)) {}

Timer::Timer(TimerQueue& queue, std::function<void()> fire) : queue_(queue), fire_(std::move(fire)) {}

Timer::~Timer() { queue_.forget(*this); }

void Timer::arm(TimePoint when) { queue_.arm(*this, when); }

void Timer::disarm() { queue_.disarm(*this); }

}  // namespace lgen
