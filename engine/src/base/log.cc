#include "lgen/log.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>

namespace lgen {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"debug", "info", "warn", "error", "off"};

std::atomic<LogLevel> g_level{LogLevel::warn};
std::atomic<void (*)()> g_hook{nullptr};
std::mutex g_mutex;
std::FILE* g_file = nullptr;  // null: stderr
std::string g_path;           // of g_file
int g_error = 0;              // errno of the first line that did not get into it

/// Without fmt::print, which throws: a log that cannot be written must not end what it tells of.
bool write_line(std::FILE* out, std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), out) == text.size() && std::fflush(out) == 0;
}

}  // namespace

void set_log_level(LogLevel level) { g_level.store(level, std::memory_order_relaxed); }
LogLevel log_level() { return g_level.load(std::memory_order_relaxed); }
void set_log_hook(void (*before_line)()) { g_hook.store(before_line); }

void step_aside() {
  const std::lock_guard lock(g_mutex);
  if (auto hook = g_hook.load()) hook();
}

Outcome set_log_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "ae");
  if (!file) {
    return make_error(ErrorCode::io,
                      fmt::format("log file {}: {}; choose another path for --log", path, std::strerror(errno)));
  }
  const std::lock_guard lock(g_mutex);
  if (g_file) std::fclose(g_file);
  g_file = file;
  g_path = path;
  return Done{};
}

void log(LogLevel level, std::string_view message) {
  if (level < log_level() || level == LogLevel::off) return;
  const std::lock_guard lock(g_mutex);
  if (!g_file) {
    if (auto hook = g_hook.load()) hook();
  }
  const std::string line = fmt::format("lgen: {}: {}\n", kNames[static_cast<std::size_t>(level)], message);
  if (!write_line(g_file ? g_file : stderr, line) && g_file && g_error == 0) g_error = errno;
}

void write_stderr(std::string_view text) { write_line(stderr, text); }

Outcome log_outcome() {
  const std::lock_guard lock(g_mutex);
  if (g_error == 0) return Done{};
  return make_error(ErrorCode::io,
                    fmt::format("log file {}: {}; the log is not whole", g_path, std::strerror(g_error)));
}

Result<LogLevel> parse_log_level(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<LogLevel>(i);
  }
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("unknown log level '{}'; it is one of debug, info, warn, error, off", name));
}

}  // namespace lgen
