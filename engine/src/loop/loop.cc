// How a turn works.
//
// libuv alone: uv_run(ONCE) blocks until a descriptor is ready, the timerfd among them.
//
// Turned round (a completion queue exists): gRPC cannot be polled by libuv nor libuv by gRPC, and a thread between the
// two costs 4 us per call. So the loop blocks in the completion queue and visits libuv with uv_run(NOWAIT) between. The
// waker ends the blocking when libuv has something to do. It costs 43 us of CPU, so it is armed only when the loop is
// about to block with an empty queue, and timers closer than kMerge share one wake-up; a busy loop finds its timers and
// descriptors by itself, once per turn.
//
// Before blocking, libuv must have registered every descriptor it was given (it does so only inside uv_run), there must
// be nothing left to close, no posted task and no timer due.
#include "lgen/loop.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "loop_internal.h"
#include "loop_state.h"

namespace lgen {
namespace {

constexpr Duration kMerge = std::chrono::microseconds(200);
constexpr Duration kSpin = std::chrono::milliseconds(1);

/// An empty queue's first pointer names the queue itself; so in every libuv to date, whatever the member's type.
bool has_unregistered_watchers(const uv_loop_t& loop) {
  const void* first = nullptr;
  std::memcpy(&first, &loop.watcher_queue, sizeof first);
  return first != static_cast<const void*>(&loop.watcher_queue);
}

}  // namespace

Loop::Internals::Internals(Clock& loop_clock) : clock(loop_clock), manual(loop_clock.advance_to(loop_clock.now())) {
  uv_loop_init(&uv);
  uv.data = this;
  uv_async_init(&uv, &async, [](uv_async_t* handle) { static_cast<Internals*>(handle->data)->take_woken(); });
  async.data = this;
  timer_fd.open(&uv);
  slice_start = Monotonic::now();
}

Loop::Internals::~Internals() {
  completions.reset();
  signals.clear();
  timer_fd.close();
  uv_close(reinterpret_cast<uv_handle_t*>(&async), nullptr);
  uv_run(&uv, UV_RUN_DEFAULT);
  uv_loop_close(&uv);
}

void Loop::Internals::turn() {
  poll();
  timers.advance_to(turn_time());
  run_posted();
  run_hooks();
  turns.fetch_add(1, std::memory_order_relaxed);
  account(Monotonic::now());
}

void Loop::Internals::poll() {
  const bool block = may_block();
  fresh = false;
  if (completions) {
    poll_completions(block);
  } else {
    poll_uv(block);
  }
  if (manual && posted.empty()) jump();
}

/// A manual clock with a timer ahead never waits: its time jumps.
bool Loop::Internals::may_block() {
  if (!posted.empty() || stopped) return false;
  const TimePoint next = timers.next();
  if (next == kNever) return true;
  if (manual) return false;
  return next - (precise ? kSpin : Duration{0}) > slice_start;  // the end of the last turn: a moment ago
}

void Loop::Internals::jump() {
  const TimePoint next = timers.next();
  if (next == kNever || next <= clock.now()) return;
  clock.advance_to(next);
  fresh = false;
}

/// When the timerfd should go off for the next timer.
TimePoint Loop::Internals::wake_time() {
  const TimePoint next = timers.next();
  if (next == kNever) return kNever;
  if (precise) return next - kSpin;
  return completions ? std::max(next, timer_fd.last_fired() + kMerge) : next;
}

void Loop::Internals::poll_uv(bool block) {
  if (block) timer_fd.set(wake_time());
  // libuv could tell how long it was idle, but asks the system twice then, whenever it blocks.
  awake = false;
  uv_run(&uv, block ? UV_RUN_ONCE : UV_RUN_NOWAIT);
  wake_up();
}

void Loop::Internals::poll_completions(bool block) {
  if (block && (has_unregistered_watchers(uv) || uv_backend_timeout(&uv) == 0)) block = false;
  if (block && !completions->waker_armed()) {
    if (completions->drain(posted) > 0) block = false;
  } else if (!block) {
    completions->drain(posted);
  }
  if (block) {
    timer_fd.set(wake_time());
    if (!completions->waker_armed()) completions->arm_waker();
    const TimePoint next = timers.next();
    bool ok = false;
    CqTag* tag = completions->wait(manual || next == kNever ? kNever : next, ok);
    slice_start = Monotonic::now();
    if (tag != nullptr) tag->complete(ok);
    completions->drain(posted);
  }
  uv_run(&uv, UV_RUN_NOWAIT);
}

void Loop::Internals::run_posted() {
  running.swap(posted);
  for (Task& task : running) task();
  running.clear();
}

/// By index: a hook may add or remove hooks.
void Loop::Internals::run_hooks() {
  for (std::size_t i = 0; i < hooks.size(); ++i) hooks[i].second();
}

void Loop::Internals::account(TimePoint end) {
  const Duration slice = end - slice_start;
  slice_start = end;
  health.max_slice = std::max(health.max_slice, slice);
  health.total_busy += slice;
  if (slice_listener) slice_listener(slice);
}

void Loop::Internals::take_woken() {
  wake_up();
  const std::lock_guard lock(wake_mutex);
  for (Task& task : woken) posted.push_back(std::move(task));
  woken.clear();
}

TimePoint Loop::Internals::turn_time() {
  if (!fresh) {
    now = clock.now();
    fresh = true;
  }
  return now;
}

std::size_t Loop::Internals::foreign_handles() const {
  struct Count {
    const Internals* self;
    std::size_t handles = 0;
  } count{this};
  uv_walk(
      const_cast<uv_loop_t*>(&uv),
      [](uv_handle_t* handle, void* argument) {
        auto* result = static_cast<Count*>(argument);
        const bool ours =
            handle == reinterpret_cast<const uv_handle_t*>(&result->self->async) || result->self->timer_fd.owns(handle);
        if (!ours && !uv_is_closing(handle)) ++result->handles;
      },
      &count);
  return count.handles;
}

Loop::Loop(Clock& clock) : clock_(clock), internals_(std::make_unique<Internals>(clock)) {}

Loop::~Loop() = default;

TimePoint Loop::now() const { return internals_->turn_time(); }

void Loop::post(Task task) { internals_->posted.push_back(std::move(task)); }

void Loop::wake(Task task) {
  {
    const std::lock_guard lock(internals_->wake_mutex);
    internals_->woken.push_back(std::move(task));
  }
  uv_async_send(&internals_->async);
}

void Loop::run() {
  run_until([] { return false; });
}

void Loop::run_until(const std::function<bool()>& done) {
  internals_->stopped = false;
  internals_->run_hooks();  // for what was begun outside of a turn
  while (!internals_->stopped && !done()) internals_->turn();
}

void Loop::stop() { internals_->stopped = true; }

void Loop::on_signal(int signum, std::function<void(int)> handler) {
  internals_->signals.set(signum, std::move(handler));
}

std::size_t Loop::add_turn_hook(Task hook) {
  internals_->hooks.emplace_back(internals_->next_hook, std::move(hook));
  return internals_->next_hook++;
}

void Loop::remove_turn_hook(std::size_t id) {
  std::erase_if(internals_->hooks, [id](const auto& hook) { return hook.first == id; });
}

void Loop::set_precise(bool precise) { internals_->precise = precise; }

std::uint64_t Loop::turns() const { return internals_->turns.load(std::memory_order_relaxed); }

Loop::Health Loop::take_health() {
  Health health = std::exchange(internals_->health, Health{});
  health.max_timer_lateness = internals_->timers.take_max_lateness();
  return health;
}

void Loop::on_slice(std::function<void(Duration)> listener) { internals_->slice_listener = std::move(listener); }

std::size_t Loop::open_handles() const {
  return internals_->timers.size() + internals_->foreign_handles() +
         static_cast<std::size_t>(internals_->open_operations);
}

void note_awake(uv_loop_t* uv) { static_cast<Loop::Internals*>(uv->data)->wake_up(); }

uv_loop_t* uv(Loop& loop) { return &loop.internals().uv; }

grpc::CompletionQueue& completion_queue(Loop& loop) {
  auto& completions = loop.internals().completions;
  if (!completions) completions = std::make_unique<CompletionPoller>(uv_backend_fd(uv(loop)));
  return completions->queue();
}

bool has_completion_queue(Loop& loop) { return loop.internals().completions != nullptr; }

std::weak_ptr<void>& shared_slot(Loop& loop) { return loop.internals().shared; }

void count_open(Loop& loop, int count) { loop.internals().open_operations += count; }

}  // namespace lgen
