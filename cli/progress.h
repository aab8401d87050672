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

/// Bars stand below one another when all names take the columns of the longest, 24 at most; pure.
void align_names(std::vector<ScenarioProgress>& scenarios);

/// At most `rows` of the lines: those of scenarios that have finished go first, then the last ones; what is left out is
/// counted in the last line; pure.
std::vector<std::string> fit_rows(std::vector<std::string> lines, const std::vector<bool>& finished, std::size_t rows);

/// Rows that lines of these widths take on a terminal `columns` wide: one made narrower breaks those that stand there;
/// pure.
std::size_t rows_taken(const std::vector<std::size_t>& widths, std::size_t columns);

/// What all scenarios together have on the wire.
struct Traffic {
  double streams_open = 0, messages_sent = 0, calls = 0, requests = 0;
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
  std::vector<std::string> bars(std::size_t columns, std::size_t rows) const;
  std::vector<std::string> plain_lines() const;
  std::string traffic() const;
  std::string line(const ScenarioProgress& scenario, std::size_t index, std::size_t width) const;
  void draw();
  void print_lines();
  void clear();

  const Runner& runner_;
  const Metrics& metrics_;
  const std::vector<Duration> graces_;
  Loop& loop_;
  bool terminal_;
  std::vector<std::size_t> drawn_;  // the lines on the screen, by their widths
  Timer timer_;
};

}  // namespace lgen::cli
