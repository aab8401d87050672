#include "progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "lgen/log.h"
#include "lgen/text.h"
#include "lgen/units.h"

namespace lgen::cli {
namespace {

constexpr Duration kRedraw = std::chrono::milliseconds(200);
constexpr Duration kLine = std::chrono::seconds(5);
constexpr std::size_t kBar = 20;
constexpr std::size_t kLineWidth = 200;  // where there is no terminal

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

std::string trouble(const ScenarioProgress& s) {
  std::string text;
  if (s.failed) text += fmt::format(", {} failed", s.failed);
  if (s.dropped) text += fmt::format(", {} dropped", s.dropped);
  if (const std::uint64_t waiting = waiting_arrivals(s)) text += fmt::format(", {} waiting", waiting);
  return text;
}

std::string counts(const ScenarioProgress& s) {
  return fmt::format("{} VUs, {} iterations{}", s.vus, s.succeeded + s.failed + s.cancelled, trouble(s));
}

/// The planned time is over, and iterations still run.
bool is_waiting(const ScenarioProgress& s) {
  return !s.finished && s.running > 0 && s.length.count() > 0 && s.elapsed >= s.length;
}

std::string waiting_text(const ScenarioProgress& s, Duration grace) {
  const Duration left = std::max(Duration{0}, s.length + grace - s.elapsed);
  return fmt::format("waiting for {} to end, at most {}{}", counted(s.running, "iteration"), clock_text(left),
                     trouble(s));
}

std::string bar_text(const ScenarioProgress& s) {
  const double share = share_done(s);
  const auto filled = static_cast<std::size_t>(share * kBar);
  const std::string time = s.finished ? "done" : fmt::format("{} of {}", clock_text(s.elapsed), clock_text(s.length));
  return fmt::format("[{:=<{}}{:<{}}] {:3.0f}%  {}  {}", "", filled, "", kBar - filled, share * 100, time, counts(s));
}

}  // namespace

std::string progress_line(const ScenarioProgress& s, Duration grace, std::size_t width) {
  std::string line = fmt::format("{} {}", s.name, is_waiting(s) ? waiting_text(s, grace) : bar_text(s));
  if (line.size() > width) line.resize(width);
  return line;
}

std::string traffic_text(const Traffic& traffic) {
  const auto whole = [](double n) { return static_cast<std::uint64_t>(std::max(0.0, n)); };
  std::vector<std::string> parts;
  if (whole(traffic.streams_open)) parts.push_back(counted(whole(traffic.streams_open), "stream") + " open");
  if (whole(traffic.messages_sent)) parts.push_back(counted(whole(traffic.messages_sent), "message") + " sent");
  if (whole(traffic.calls)) parts.push_back(counted(whole(traffic.calls), "call") + " made");
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::vector<std::string> progress_lines(std::vector<std::string> scenarios, const std::string& traffic,
                                        std::size_t width) {
  if (traffic.empty() || scenarios.empty()) return scenarios;
  if (scenarios.size() == 1 && scenarios[0].size() + 2 + traffic.size() <= width) {
    scenarios[0] += ", " + traffic;
  } else {
    scenarios.push_back(("  " + traffic).substr(0, width));
  }
  return scenarios;
}

Progress::Progress(Loop& loop, const Runner& runner, const Metrics& metrics, std::vector<Duration> graces)
    : runner_(runner),
      metrics_(metrics),
      graces_(std::move(graces)),
      loop_(loop),
      terminal_(isatty(STDERR_FILENO) != 0),
      timer_(loop, [this] { tick(); }) {}

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

std::vector<std::string> Progress::lines(std::size_t width, bool also_finished) const {
  std::vector<std::string> scenarios;
  const std::vector<ScenarioProgress> all = runner_.progress();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Duration grace = i < graces_.size() ? graces_[i] : Duration{0};
    if (also_finished || !all[i].finished) scenarios.push_back(progress_line(all[i], grace, width));
  }
  const Traffic traffic{metrics_.total("grpc_streams_active"), metrics_.total("grpc_messages_sent"),
                        metrics_.total("grpc_calls")};
  return progress_lines(std::move(scenarios), traffic_text(traffic), width);
}

void Progress::draw() {
  clear();
  for (const std::string& line : lines(terminal_width() - 1, true)) {
    write_stderr(line + "\n");
    ++drawn_;
  }
  std::fflush(stderr);
}

void Progress::print_lines() {
  for (const std::string& line : lines(kLineWidth, false)) write_stderr(line + "\n");
  std::fflush(stderr);
}

void Progress::clear() {
  if (drawn_ > 0) write_stderr(fmt::format("\x1b[{}A\x1b[J", drawn_));
  drawn_ = 0;
}

}  // namespace lgen::cli
