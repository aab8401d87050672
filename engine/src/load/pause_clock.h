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

/// A scenario's life as far as it has come. No scenario begins within a pause.
struct ScenarioLife {
  TimePoint begin = kNever, end = kNever;
  TimePoint idle_since{};  // kNever: something of it runs
};

struct PauseTimes {
  Duration ordered{0};                // from each pause to its end
  Duration quiet{0};                  // of it, while nothing of any scenario ran
  Duration active{0};                 // of that, while a scenario was under way
  std::vector<Duration> scenarios{};  // of it, while this one was under way and nothing of it ran
};

class PauseClock {
 public:
  void begin(TimePoint now) { since_ = now; }
  void end(TimePoint now, std::span<const ScenarioLife> lives) {
    times_ = at(now, lives);
    since_ = kNever;
  }

  PauseTimes at(TimePoint now, std::span<const ScenarioLife> lives) const {
    PauseTimes times = times_;
    times.scenarios.resize(lives.size());
    if (since_ == kNever) return times;
    times.ordered += now - since_;
    TimePoint all_idle = since_, last_end{};
    for (std::size_t i = 0; i < lives.size(); ++i) {
      if (lives[i].begin == kNever) continue;
      all_idle = std::max(all_idle, lives[i].idle_since);
      last_end = std::max(last_end, lives[i].end);
      times.scenarios[i] += between(std::max(since_, lives[i].idle_since), std::min(now, lives[i].end));
    }
    times.quiet += between(all_idle, now);
    times.active += between(all_idle, std::min(now, last_end));
    return times;
  }

 private:
  static Duration between(TimePoint from, TimePoint to) { return from < to ? to - from : Duration{0}; }

  TimePoint since_ = kNever;
  PauseTimes times_;  // of the pauses that are over
};

}  // namespace lgen
