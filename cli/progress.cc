#include "progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "lgen/log.h"
#include "lgen/text.h"
#include "lgen/units.h"

namespace lgen::cli {
namespace {

constexpr Duration kRedraw = std::chrono::milliseconds(200);
constexpr Duration kLine = std::chrono::seconds(5);
constexpr std::size_t kBar = 20;
constexpr std::size_t kNameWidth = 24;
constexpr std::size_t kLineWidth = 200;  // where there is no terminal

Progress* g_on_screen = nullptr;  // log lines come from anywhere, and need its place

struct TerminalSize {
  std::size_t columns = 80, rows = 24;
};

TerminalSize terminal_size() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return {size.ws_col, size.ws_row > 0 ? size.ws_row : std::size_t{24}};
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
  return fmt::format("{}, {}{}", counted(s.vus, "VU"), counted(s.succeeded + s.failed + s.cancelled, "iteration"),
                     trouble(s));
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

/// A stop, from wherever it came: the planned time no longer counts.
std::string stopping_text(const ScenarioProgress& s) {
  if (s.running == 0) return fmt::format("stopping{}", trouble(s));
  return fmt::format("stopping: waiting for {} to end, at most {}{}", counted(s.running, "iteration"),
                     clock_text(s.stops_within), trouble(s));
}

/// It ends with the others, so there is no share of it.
std::string background_text(const ScenarioProgress& s) {
  return fmt::format("[{:<{}}]       {}{}  {}", "background", kBar, s.paused ? "paused at " : "", clock_text(s.elapsed),
                     counts(s));
}

std::string bar_text(const ScenarioProgress& s) {
  if (s.background && !s.finished) return background_text(s);
  const double share = share_done(s);
  const auto filled = static_cast<std::size_t>(share * kBar);
  const std::string of = fmt::format("{} of {}", clock_text(s.elapsed), clock_text(s.length));
  const std::string time = s.finished ? "done" : s.paused ? "paused at " + of : of;
  return fmt::format("[{:=<{}}{:<{}}] {:3.0f}%  {}  {}", "", filled, "", kBar - filled, share * 100, time, counts(s));
}

}  // namespace

std::string progress_line(const ScenarioProgress& s, Duration grace, std::size_t width) {
  const std::string text = s.stopping ? stopping_text(s) : is_waiting(s) ? waiting_text(s, grace) : bar_text(s);
  return clip(fmt::format("{} {}", s.name, text), width);
}

void align_names(std::vector<ScenarioProgress>& scenarios) {
  std::size_t widest = 0;
  for (const ScenarioProgress& s : scenarios) widest = std::max(widest, display_width(s.name));
  const std::size_t width = std::min(widest, kNameWidth);
  for (ScenarioProgress& s : scenarios) s.name = pad_right(clip(s.name, width), width);
}

std::vector<std::string> fit_rows(std::vector<std::string> lines, const std::vector<bool>& finished, std::size_t rows) {
  if (lines.size() <= rows || rows == 0) return lines;
  const std::size_t keep = rows - 1, all = lines.size();
  std::size_t to_drop = all - keep;
  std::vector<std::string> kept;
  for (std::size_t i = 0; i < all; ++i) {
    const bool drop = to_drop > 0 && i < finished.size() && finished[i];
    if (drop) {
      --to_drop;
    } else {
      kept.push_back(std::move(lines[i]));
    }
  }
  kept.resize(std::min(kept.size(), keep));
  kept.push_back(fmt::format("and {} more", counted(all - keep, "scenario")));
  return kept;
}

std::size_t rows_taken(const std::vector<std::size_t>& widths, std::size_t columns) {
  std::size_t rows = 0;
  for (const std::size_t width : widths) rows += width == 0 ? 1 : (width + columns - 1) / columns;
  return rows;
}

std::string traffic_text(const Traffic& traffic) {
  const auto whole = [](double n) { return static_cast<std::uint64_t>(std::max(0.0, n)); };
  std::vector<std::string> parts;
  if (whole(traffic.streams_open)) parts.push_back(counted(whole(traffic.streams_open), "stream") + " open");
  if (whole(traffic.messages_sent)) parts.push_back(counted(whole(traffic.messages_sent), "message") + " sent");
  if (whole(traffic.calls)) parts.push_back(counted(whole(traffic.calls), "call") + " made");
  if (whole(traffic.requests)) parts.push_back(counted(whole(traffic.requests), "request") + " made");
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::vector<std::string> progress_lines(std::vector<std::string> scenarios, const std::string& traffic,
                                        std::size_t width) {
  if (traffic.empty() || scenarios.empty()) return scenarios;
  if (scenarios.size() == 1 && scenarios[0].size() + 2 + traffic.size() <= width) {
    scenarios[0] += ", " + traffic;
  } else {
    scenarios.push_back(clip("  " + traffic, width));
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

/// A terminal of another size is drawn on anew, at once: lines that no longer fit would stay.
void Progress::start() {
  if (terminal_) {
    g_on_screen = this;
    set_log_hook([] {
      if (g_on_screen) g_on_screen->clear();
    });
    loop_.on_signal(SIGWINCH, [this](int) { draw(); });
  }
  timer_.arm(loop_.precise_now() + (terminal_ ? kRedraw : kLine));
}

void Progress::stop() {
  timer_.disarm();
  clear();
  if (g_on_screen == this) {
    loop_.on_signal(SIGWINCH, {});
    set_log_hook(nullptr);
    g_on_screen = nullptr;
  }
}

void Progress::tick() {
  terminal_ ? draw() : print_lines();
  timer_.arm(loop_.precise_now() + (terminal_ ? kRedraw : kLine));
}

std::string Progress::line(const ScenarioProgress& scenario, std::size_t index, std::size_t width) const {
  return progress_line(scenario, index < graces_.size() ? graces_[index] : Duration{0}, width);
}

std::string Progress::traffic() const {
  return traffic_text({metrics_.total("grpc_streams_active"), metrics_.total("grpc_messages_sent"),
                       metrics_.total("grpc_calls"), metrics_.total("http_requests")});
}

std::vector<std::string> Progress::bars(std::size_t columns, std::size_t rows) const {
  std::vector<ScenarioProgress> all = runner_.progress();
  align_names(all);
  std::vector<std::string> lines;
  std::vector<bool> finished;
  for (std::size_t i = 0; i < all.size(); ++i) {
    lines.push_back(line(all[i], i, columns));
    finished.push_back(all[i].finished);
  }
  const std::size_t room = rows > 2 ? rows - 2 : 1;  // of the traffic and of the cursor
  return progress_lines(fit_rows(std::move(lines), finished, room), traffic(), columns);
}

std::vector<std::string> Progress::plain_lines() const {
  std::vector<std::string> lines;
  const std::vector<ScenarioProgress> all = runner_.progress();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].finished) lines.push_back(line(all[i], i, kLineWidth));
  }
  return progress_lines(std::move(lines), traffic(), kLineWidth);
}

/// In one write: nothing flickers.
void Progress::draw() {
  clear();
  const TerminalSize size = terminal_size();
  std::string text;
  for (const std::string& line : bars(size.columns - 1, size.rows)) {
    text += line + "\n";
    drawn_.push_back(display_width(line));
  }
  write_stderr(text);
}

void Progress::print_lines() {
  for (const std::string& line : plain_lines()) write_stderr(line + "\n");
}

void Progress::clear() {
  const std::size_t rows = rows_taken(drawn_, terminal_size().columns);
  if (rows > 0) write_stderr(fmt::format("\x1b[{}A\r\x1b[J", rows));
  drawn_.clear();
}

}  // namespace lgen::cli
