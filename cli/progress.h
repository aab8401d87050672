// What is seen while a plan runs: on a terminal a bar per scenario, redrawn in place; elsewhere a line every few
// seconds. On stderr, so that stdout holds the summary alone.
// Thread: the loop's.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lgen/loop.h"
#include "lgen/runner.h"

namespace lgen::cli {

/// One scenario in one line of at most `width` columns; pure.
std::string progress_line(const ScenarioProgress& scenario, std::size_t width);

class Progress {
 public:
  Progress(Loop& loop, const Runner& runner);
  ~Progress();
  void start();
  /// Removes the bars.
  void stop();

 private:
  void tick();
  void draw();
  void print_lines();
  void clear();

  const Runner& runner_;
  Loop& loop_;
  bool terminal_;
  std::size_t drawn_ = 0;  // lines on the screen
  Timer timer_;
};

}  // namespace lgen::cli
