// `lgen analyze logs FILE...`: the pods' own logs, once or as they grow.
#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <memory>

#include "commands.h"
#include "exit_code.h"
#include "lgen/report.h"
#include "lgen/text.h"
#include "log_analysis.h"
#include "outputs.h"
#include "terminal.h"

namespace lgen::cli {
namespace {

volatile std::sig_atomic_t g_stop = 0;

/// One log, read from where the last read ended; only whole lines are fed.
class Source {
 public:
  explicit Source(std::string path)
      : path_(std::move(path)),
        pod_(path_ == "-" ? "-" : std::filesystem::path(path_).stem().string()),
        file_(path_ == "-" ? stdin : std::fopen(path_.c_str(), "re")) {}
  ~Source() {
    if (file_ && file_ != stdin) std::fclose(file_);
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  bool is_open() const { return file_ != nullptr; }
  const std::string& path() const { return path_; }

  void read_on(LogAnalysis& analysis) {
    std::clearerr(file_);
    char chunk[65536];
    for (std::size_t n; (n = std::fread(chunk, 1, sizeof chunk, file_)) > 0;) {
      rest_.append(chunk, n);
      feed_lines(analysis);
    }
  }
  /// A last line without its newline.
  void finish(LogAnalysis& analysis) {
    if (!rest_.empty()) analysis.feed(pod_, rest_);
    rest_.clear();
  }

 private:
  void feed_lines(LogAnalysis& analysis) {
    std::size_t from = 0;
    for (std::size_t end; (end = rest_.find('\n', from)) != std::string::npos; from = end + 1) {
      analysis.feed(pod_, std::string_view(rest_).substr(from, end - from));
    }
    rest_.erase(0, from);
  }

  std::string path_, pod_;
  std::FILE* file_;
  std::string rest_;
};

using Sources = std::vector<std::unique_ptr<Source>>;

Result<Sources> open_sources(const std::vector<std::string>& paths) {
  Sources sources;
  for (const std::string& path : paths) {
    auto& source = sources.emplace_back(std::make_unique<Source>(path));
    if (!source->is_open()) {
      return make_error(ErrorCode::not_found, fmt::format("cannot read {}: {}", path, std::strerror(errno)));
    }
  }
  return sources;
}

/// Waits until one of the files has grown, or a signal came.
class GrowthWatch {
 public:
  explicit GrowthWatch(const Sources& sources) : fd_(inotify_init1(IN_CLOEXEC)) {
    for (const auto& source : sources) inotify_add_watch(fd_, source->path().c_str(), IN_MODIFY);
  }
  ~GrowthWatch() { close(fd_); }
  /// `signals`: the mask while it waits.
  void wait(const sigset_t& signals) const {
    pollfd events{fd_, POLLIN, 0};
    if (ppoll(&events, 1, nullptr, &signals) <= 0) return;
    char buffer[4096];
    [[maybe_unused]] const ssize_t ignored = read(fd_, buffer, sizeof buffer);
  }

 private:
  int fd_;
};

void follow(Sources& sources, LogAnalysis& analysis, const ConsoleStyle& style) {
  // Blocked but while it waits: a signal that came between the question and the wait would be slept through.
  sigset_t ends, before;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  sigprocmask(SIG_BLOCK, &ends, &before);
  struct sigaction action {};
  action.sa_handler = [](int) { g_stop = 1; };  // no SA_RESTART: ppoll returns
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  const bool terminal = isatty(STDOUT_FILENO) != 0;
  const GrowthWatch growth(sources);
  while (!g_stop) {
    for (const auto& source : sources) source->read_on(analysis);
    if (terminal) fmt::print("\x1b[H\x1b[2J");
    if (!write_file("-", render_logs_console(analysis.result(), style))) return;
    growth.wait(before);
  }
}

int show(const LogAnalysis& analysis, const std::vector<OutputRequest>& outputs, const ConsoleStyle& style) {
  const LogReport report = analysis.result();
  if (report.pods.empty()) {
    complain(
        fmt::format("no line of these is one of lgen-server's or of the original server's ({} skipped{}); are they "
                    "the pods' logs?",
                    report.foreign == 1 ? "1 line" : fmt::format("{} lines", report.foreign),
                    report.foreign_examples.empty() ? "" : ", e.g. " + clip(report.foreign_examples.front(), 60)));
    return kConfiguration;
  }
  if (outputs.empty()) return write_file("-", render_logs_console(report, style)) ? kOk : kOutputFailed;
  for (const OutputRequest& output : outputs) {
    if (const Outcome written = write_file(output.where, render_logs_json(report)); !written) {
      complain(written.error().message);
      return kOutputFailed;
    }
  }
  return kOk;
}

Result<std::vector<OutputRequest>> json_outputs(const Words& words) {
  auto outputs = parse_outputs(words.all("out"));
  if (!outputs) return outputs;
  for (const OutputRequest& output : *outputs) {
    if (output.format->name == "json") continue;
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("--out: {}: an analysis of logs is written as json alone", output.format->name));
  }
  return outputs;
}

int analyze(Words words) {
  if (words.operands.empty() || words.operands.front() != "logs") {
    complain("which subcommand? lgen analyze logs FILE...");
    return kConfiguration;
  }
  const std::vector<std::string> paths(words.operands.begin() + 1, words.operands.end());
  if (paths.empty()) {
    complain("which logs? lgen analyze logs FILE...");
    return kConfiguration;
  }
  const auto outputs = json_outputs(words);
  if (!outputs) {
    complain(outputs.error().message);
    return kConfiguration;
  }
  const bool no_color = words.has("no-color");
  auto sources = open_sources(paths);
  if (!sources) {
    complain(sources.error().message);
    return kConfiguration;
  }
  LogAnalysis analysis;
  if (words.has("follow")) {
    follow(*sources, analysis, console_style(no_color));
    return kOk;
  }
  for (const auto& source : *sources) {
    source->read_on(analysis);
    source->finish(analysis);
  }
  return show(analysis, *outputs, console_style(no_color));
}

constexpr OptionRow kOptions[] = {
    {"follow", "", "go on as the logs grow; Ctrl-C ends", "", "Options", false, 'f'},
    {"out", "json=FILE", "write JSON instead; FILE - is standard output", "", "Options", true},
    {"no-color", "", "no colours", "", "Options"},
};

}  // namespace

const Command kAnalyzeCommand = {
    .name = "analyze",
    .synopsis = "logs FILE...",
    .help = "channel x pod matrix and verdict from pods' logs",
    .about =
        "Reads what pods have logged: channel x pod matrix, verdict, stream lifetimes.\n"
        "One log per pod, of lgen-server or of the original Python server, named after the "
        "pod; - reads `kubectl logs --prefix` from standard input.",
    .options = kOptions,
    .run = analyze};

}  // namespace lgen::cli
