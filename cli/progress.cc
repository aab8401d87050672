#include "progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "lgen/log.h"

namespace lgen::cli {
namespace {

constexpr Duration kRedraw = std::chrono::milliseconds(200);
constexpr Duration kLine = std::chrono::seconds(5);
constexpr std::size_t kBar = 20;

Progress* g_on_screen = nullptr;  // log lines come from anywhere; see clear_for_log

std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/// Share done, by time or by iterations, whichever is further: long iterations end all at once.
double share_done(const ScenarioProgress& s) {
  if (s.finished) return 1;
  const double done = static_cast<double>(s.succeeded + s.failed + s.cancelled);
  const double by_count = s.total && *s.total > 0 ? done / static_cast<double>(*s.total) : 0;
  const double by_time = s.length.count() > 0 ? to_seconds(s.elapsed) / to_seconds(s.length) : 0;
  return std::min(1.0, std::max(by_count, by_time));
}

/// "4.2s", "1m05s": the same number of columns from one redraw to the next.
std::string clock_text(Duration time) {
  const double seconds = to_seconds(time);
  if (seconds < 60) return fmt::format("{:.1f}s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m{:02}s", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string counts(const ScenarioProgress& s) {
  std::string text = fmt::format("{} VUs, {} iterations", s.vus, s.succeeded + s.failed + s.cancelled);
  if (s.failed) text += fmt::format(", {} failed", s.failed);
  if (s.dropped) text += fmt::format(", {} dropped", s.dropped);
  return text;
}

}  // namespace

std::string progress_line(const ScenarioProgress& s, std::size_t width) {
  const double share = share_done(s);
  const auto filled = static_cast<std::size_t>(share * kBar);
  const std::string time = s.finished ? "done" : fmt::format("{} of {}", clock_text(s.elapsed), clock_text(s.length));
  std::string line = fmt::format("{} [{:=<{}}{:<{}}] {:3.0f}%  {}  {}", s.name, "", filled, "", kBar - filled,
                                 share * 100, time, counts(s));
  if (line.size() > width) line.resize(width);
  return line;
}

Progress::Progress(Loop& loop, const Runner& runner)
    : runner_(runner), loop_(loop), terminal_(isatty(STDERR_FILENO) != 0), timer_(loop, [this] { tick(); }) {}

Progress::~Progress() { stop(); }

void Progress::start() {
  if (terminal_) {
    g_on_screen = this;
    set_log_hook([] {
      if (g_on_screen) g_on_screen->clear();
    });
  }
  timer_.arm(loop_.precise_now() + (terminal_ ? kRedraw : kLine));
}

void Progress::stop() {
  timer_.disarm();
  clear();
  if (g_on_screen == this) {
    set_log_hook(nullptr);
    g_on_screen = nullptr;
  }
}

void Progress::tick() {
  terminal_ ? draw() : print_lines();
  timer_.arm(loop_.precise_now() + (terminal_ ? kRedraw : kLine));
}

void Progress::draw() {
  clear();
  const std::size_t width = terminal_width();
  for (const ScenarioProgress& scenario : runner_.progress()) {
    write_stderr(fmt::format("{}\n", progress_line(scenario, width - 1)));
    ++drawn_;
  }
  std::fflush(stderr);
}

void Progress::print_lines() {
  for (const ScenarioProgress& scenario : runner_.progress()) {
    if (!scenario.finished) write_stderr(fmt::format("{}\n", progress_line(scenario, 200)));
  }
  std::fflush(stderr);
}

void Progress::clear() {
  if (drawn_ > 0) write_stderr(fmt::format("\x1b[{}A\x1b[J", drawn_));
  drawn_ = 0;
}

}  // namespace lgen::cli
