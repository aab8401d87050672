// Turns SIGTERM and SIGINT into something the main thread waits for.
//
// *Thread:* made on the main thread before any other thread exists, so that all inherit the blocked signals.
#pragma once

#include <chrono>

namespace lgen::server {

class StopSignals {
 public:
  StopSignals();

  void wait();
  // True when a signal came before the time was over.
  bool wait_for(std::chrono::nanoseconds time);
  // From here on a signal kills the process, as it does without us: the user's way out of a long drain.
  void stop_catching();
};

}  // namespace lgen::server
