// What is seen while a plan runs: on a terminal a bar per scenario, redrawn in place; elsewhere a line every few
// seconds. On stderr, so that stdout holds the summary alone.
// Thread: the loop's.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lgen/loop.h"
#include "lgen/metrics.h"
#include "lgen/runner.h"

namespace lgen::cli {

/// One scenario in one line of at most `width` columns; pure. `grace`: how long what runs may go on at the end.
std::string progress_line(const ScenarioProgress& scenario, Duration grace, std::size_t width);

/// What all scenarios together have on the wire.
struct Traffic {
  double streams_open = 0, messages_sent = 0, calls = 0;
};

/// "30 streams open, 1,234 messages sent", "" without any; pure.
std::string traffic_text(const Traffic& traffic);

/// The scenarios' lines and the traffic: behind the line of a lone scenario if it fits there, else in a line of its
/// own; pure.
std::vector<std::string> progress_lines(std::vector<std::string> scenarios, const std::string& traffic,
                                        std::size_t width);

class Progress {
 public:
  /// `graces`: graceful_stop of every scenario, in their order.
  Progress(Loop& loop, const Runner& runner, const Metrics& metrics, std::vector<Duration> graces);
  ~Progress();
  void start();
  /// Removes the bars.
  void stop();

 private:
  void tick();
  std::vector<std::string> lines(std::size_t width, bool also_finished) const;
  void draw();
  void print_lines();
  void clear();

  const Runner& runner_;
  const Metrics& metrics_;
  const std::vector<Duration> graces_;
  Loop& loop_;
  bool terminal_;
  std::size_t drawn_ = 0;  // lines on the screen
  Timer timer_;
};

}  // namespace lgen::cli
