#include "worker.h"

#include <algorithm>
#include <utility>

namespace lgen {
namespace {

/// So many VUs made, and so many iterations started, and so on, in one turn of the loop: about a millisecond of Lua
/// and gRPC. Each kind of step has its own portion, so that none starves another.
constexpr int kStepsPerTurn = 64;

/// Takes up to one portion of steps; true: there may be more.
template <class Step>
bool portion(const Step& step) {
  for (int i = 0; i < kStepsPerTurn; ++i) {
    if (!step()) return false;
  }
  return true;
}

}  // namespace

Worker::Worker(Loop& loop, const Schedule& schedule, Duration graceful_stop, Tally& tally, VuPool::MakeVu make,
               Hooks hooks)
    : loop_(loop),
      schedule_(schedule),
      graceful_stop_(graceful_stop),
      tally_(tally),
      hooks_(std::move(hooks)),
      arrivals_([&schedule](std::uint64_t n) { return schedule.due(n); }, schedule.backlog()),
      soon_(loop, [this] { turn(); }),
      timer_(loop, [this] { turn(); }),
      pool_(loop, std::move(make),
            {.iteration_over = [this](PooledVu& vu, IterationEnd end) { iteration_over(vu, end); },
             .failed = [this](const PooledVu& vu, std::string_view what) { hooks_.vu_failed(vu, what); },
             .changed = [this] { soon_.ask(); }}) {}

void Worker::start() {
  started_ = loop_.now();
  last_turn_ = started_ - Duration{1};  // nothing was due yet
  soon_.ask();
}

void Worker::scale(std::uint64_t vus) {
  scaled_ = vus;
  soon_.ask();
}

void Worker::pause() {
  if (paused() || stopping_ || over_) return;
  paused_at_ = loop_.now();
  soon_.ask();
}

/// The start moves by the length of the pause, and with it everything that is counted from there.
void Worker::resume() {
  if (!paused() || stopping_) return;
  const TimePoint now = loop_.now();
  const Duration pause = now - paused_at_;
  started_ += pause;
  last_turn_ += pause;
  paused_at_ = kNever;
  resumed_at_ = now;
  soon_.ask();
}

/// The schedule ends where it was last looked at: what has come due since nobody has missed.
void Worker::stop(Duration grace) {
  if (!stopping_) stopped_at_ = last_turn_;
  stopping_ = true;
  stop_by_ = std::min(stop_by_, loop_.now() + grace);
  pool_.cap(stop_by_);
  soon_.ask();
}

void Worker::turn() {
  if (over_) return;
  const TimePoint now = loop_.now();
  if (closing(now)) note_closing(now);
  last_turn_ = clock(now);
  bool more = portion([&] { return follow_schedule(now); });
  more |= portion([&] { return pool_.enforce(now); });
  more |= portion([&] { return take_arrival(now); });
  more |= portion([&] { return pool_.settle(); });
  tally_.set_vus(pool_.alive());
  if (is_over(now)) return finish(now);
  if (more) soon_.ask();
  arm(now);
}

/// VUs of the open model are all made at the start, not when an arrival finds none free: an arrival that had to wait
/// for its VU's making (its vu_start, its connections) would be late in the middle of the measurement, and by our
/// doing. Once no arrival is left the VUs of the closed model go one by one as they finish: none is made for nothing,
/// none is hurried.
bool Worker::follow_schedule(TimePoint now) {
  const std::uint64_t wanted = wanted_vus(now);
  if (pool_.size() > wanted) {
    pool_.shrink(leave_by(now));
    return true;
  }
  return arrivals_.more() && pool_.size() < wanted && pool_.grow();
}

bool Worker::take_arrival(TimePoint now) {
  if (closing(now) || paused()) return false;
  const Duration at = now - started_;
  if (arrivals_.more() ? !arrivals_.ready(at) : open()) return false;
  if (PooledVu* vu = pool_.take_idle()) {
    arrivals_.more() ? start_iteration(*vu) : pool_.retire(*vu, leave_by(now));
    return true;
  }
  if (!arrivals_.overdue(at)) return false;
  arrivals_.take();
  tally_.dropped(1);
  return true;
}

/// Open model: the intended start is when the arrival was due, however long it waited. Closed model: when the VU
/// became free.
void Worker::start_iteration(PooledVu& vu) {
  const std::uint64_t number = arrivals_.next();
  const TimePoint due = started_ + arrivals_.take();
  const TimePoint free = free_since(vu);
  vu.intended = open() ? due : free;
  vu.phase = tally_.phase_at(vu.intended - started_);
  const TimePoint now = loop_.precise_now();
  std::optional<Duration> vu_wait, start_lag, late;
  if (open()) late = now - due;
  if (open()) vu_wait = std::max(free - due, Duration{0});
  // In the closed model all VUs begin at one time, also after a pause. How long that takes is the plan's doing, not
  // lateness of ours.
  if (open() || (vu.iterations > 0 && vu.free_since >= resumed_at_)) start_lag = now - std::max(due, free);
  tally_.started(vu.phase, start_lag, vu_wait);
  pool_.start(vu, Iteration{.number = vu.iterations,
                            .global = number,
                            .scheduled_at = vu.intended,
                            .late = late,
                            .phase = tally_.phase_name(vu.phase)});
}

void Worker::iteration_over(PooledVu& vu, IterationEnd end) {
  last_over_ = vu.free_since;
  tally_.over(vu.phase, end, vu.free_since - vu.intended);
  const auto most = schedule_.iterations_per_vu();
  if (most && vu.iterations >= *most) pool_.retire(vu, leave_by(loop_.now()));
}

void Worker::finish(TimePoint now) {
  over_ = true;
  timer_.disarm();
  tally_.dropped(arrivals_.abandon(schedule_time(now), schedule_.total_iterations()));
  hooks_.over();
}

void Worker::arm(TimePoint now) {
  TimePoint next = pool_.next_deadline();
  if (!closing(now) && !paused()) {
    const Duration at = now - started_;
    if (const auto change = schedule_.next_change(at)) next = std::min(next, started_ + *change);
    if (const auto event = arrivals_.next_event(at)) next = std::min(next, started_ + *event);
    if (now >= end()) next = std::min(next, end() + graceful_stop_);
  }
  if (next == kNever) {
    timer_.disarm();
  } else if (!timer_.armed() || timer_.when() != next) {
    timer_.arm(next);
  }
}

/// After the end: arrivals that came in time may still wait for a VU.
std::uint64_t Worker::wanted_vus(TimePoint now) const {
  if (closing(now)) return 0;
  if (clock(now) >= end()) return pool_.size();
  return scaled_.value_or(schedule_.vus_at(elapsed(now)));
}

/// No further iteration starts: stopped, or the time is up and with it the grace of arrivals that came in time.
bool Worker::closing(TimePoint now) const {
  if (stopping_) return true;
  if (clock(now) < end()) return false;
  return !arrivals_.waiting(elapsed(now)) || clock(now) >= end() + graceful_stop_;
}

/// Arrivals that a free VU could still have taken: only where one turn had more of them than its portion.
void Worker::note_closing(TimePoint now) {
  if (std::exchange(closed_, true) || !open()) return;
  const std::uint64_t come = schedule_.due_by(schedule_time(now)).value_or(0);
  tally_.dropped_with_free_vu(std::min(come - std::min(come, arrivals_.next()), pool_.idle()));
}

/// A rate lasts until its end even when its last arrival has been served: 10 arrivals in 10 s are one a second.
bool Worker::is_over(TimePoint now) const {
  return pool_.alive() == 0 && (closing(now) || (!arrivals_.more() && !open()));
}

/// graceful_stop counts from the end of the schedule, or from now when a VU leaves before that.
TimePoint Worker::leave_by(TimePoint now) const { return (paused() ? now : std::min(now, end())) + graceful_stop_; }

}  // namespace lgen
