// Which arrival is next and whether it is due, waiting for a VU or overdue. The backlog is a range of n: arrivals that
// wait take no memory, and their intended start is asked of the schedule again when they start.
// Thread: a value, told the time.
// Units: offsets from the scenario's start.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "lgen/time.h"

namespace lgen {

class Arrivals {
 public:
  using Due = std::function<std::optional<Duration>(std::uint64_t n)>;

  /// `backlog`: how long an arrival may wait; nothing: for ever, arrivals have no time of their own (closed model).
  Arrivals(Due due, std::optional<Duration> backlog);

  /// Number of the next arrival; everything before it was taken.
  std::uint64_t next() const { return next_; }
  bool more() const { return due_at_.has_value(); }
  /// The next arrival is due: it may be taken, if a VU is free.
  bool ready(Duration at) const { return due_at_ && *due_at_ <= at; }
  /// An arrival that came at its own time waits for a VU.
  bool waiting(Duration at) const { return backlog_ && ready(at); }
  /// The next arrival has waited as long as it may. Precondition: no VU is free for it.
  bool overdue(Duration at) const { return waiting(at) && at - *due_at_ >= *backlog_; }
  /// When ready() or overdue() will change by time alone; nothing: they will not.
  std::optional<Duration> next_event(Duration at) const;

  /// Takes the next arrival, to start or to drop it; returns when it was due. Precondition: more().
  Duration take();
  /// Nothing more will start: how many that had come by `at` are left over. `total`: all there are, where known.
  std::uint64_t abandon(Duration at, std::optional<std::uint64_t> total);

 private:
  Due due_;
  std::optional<Duration> backlog_;
  std::uint64_t next_ = 0;
  std::optional<Duration> due_at_;  // of next_
};

}  // namespace lgen
