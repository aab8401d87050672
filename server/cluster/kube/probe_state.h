// When one of a container's probes is due, and what its results amount to.
//
// *Thread:* a plain value that is told the time. *Lifetime:* that of one container; a restarted one gets new states.
#pragma once

#include "objects.h"

namespace lgen::kube {

class ProbeState {
 public:
  enum class Verdict { none, success, failure };

  ProbeState(const Probe& probe, TimePoint container_started)
      : probe_(probe), next_(container_started + probe.initial_delay) {}

  // kNever while a probe runs.
  TimePoint next() const { return running_ ? kNever : next_; }
  void begin(TimePoint now);
  // Puts the next probe off until `now` at the earliest.
  void hold_until(TimePoint now);
  // The verdict as soon as a threshold is reached, and again with every result of the same kind.
  Verdict done(bool ok);

 private:
  Probe probe_;
  TimePoint next_;
  bool running_ = false;
  bool last_ = false;
  int run_ = 0;  // results like the last one, in a row
};

}  // namespace lgen::kube
