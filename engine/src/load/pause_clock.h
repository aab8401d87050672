// How long pauses have lasted and for how much of them nothing ran: of the whole run and of each scenario. What runs on
// in a pause, a held stream or a long iteration, still makes calls and sends messages, so that rates have to count its
// time; they leave out the rest.
// Thread: the loop's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "lgen/time.h"

namespace lgen {

struct PauseTimes {
  Duration ordered{0};                // from each pause to its end
  Duration quiet{0};                  // of it, while nothing of any scenario ran
  std::vector<Duration> scenarios{};  // of it, while nothing of this one ran
};

class PauseClock {
 public:
  void begin(TimePoint now) { since_ = now; }
  /// `idle_since`: by scenario, since when nothing of it runs; kNever: something does.
  void end(TimePoint now, std::span<const TimePoint> idle_since) {
    times_ = at(now, idle_since);
    since_ = kNever;
  }

  PauseTimes at(TimePoint now, std::span<const TimePoint> idle_since) const {
    PauseTimes times = times_;
    times.scenarios.resize(idle_since.size());
    if (since_ == kNever) return times;
    times.ordered += now - since_;
    TimePoint all_since = since_;
    for (std::size_t i = 0; i < idle_since.size(); ++i) {
      all_since = std::max(all_since, idle_since[i]);
      times.scenarios[i] += quiet(idle_since[i], now);
    }
    times.quiet += quiet(all_since, now);
    return times;
  }

 private:
  Duration quiet(TimePoint idle_since, TimePoint now) const {
    return std::max(now - std::max(since_, std::min(idle_since, now)), Duration{0});
  }

  TimePoint since_ = kNever;
  PauseTimes times_;  // of the pauses that are over
};

}  // namespace lgen
