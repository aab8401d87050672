// Watches the generator itself while load runs: how late the loop's timers are (one sample a second, the worst of it,
// in loop_lag_seconds) and how long each turn took (slice_seconds).
// Thread: the loop's.
// Lifetime: from construction to destruction it is the loop's only slice listener and the only reader of its health.
#pragma once

#include "lgen/loop.h"
#include "lgen/metrics.h"

namespace lgen {

class GeneratorWatch {
 public:
  GeneratorWatch(Loop& loop, Metrics& metrics);
  ~GeneratorWatch();
  GeneratorWatch(const GeneratorWatch&) = delete;
  GeneratorWatch& operator=(const GeneratorWatch&) = delete;

 private:
  void sample();

  Loop& loop_;
  Metrics& metrics_;
  SeriesId lag_, slice_;
  Timer timer_;
};

}  // namespace lgen
