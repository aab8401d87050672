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
  return Done{};
}

void log(LogLevel level, std::string_view message) {
  if (level < log_level() || level == LogLevel::off) return;
  const std::lock_guard lock(g_mutex);
  if (!g_file) {
    if (auto hook = g_hook.load()) hook();
  }
  std::FILE* out = g_file ? g_file : stderr;
  fmt::print(out, "lgen: {}: {}\n", kNames[static_cast<std::size_t>(level)], message);
  std::fflush(out);
}

Result<LogLevel> parse_log_level(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<LogLevel>(i);
  }
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("unknown log level '{}'; it is one of debug, info, warn, error, off", name));
}

}  // namespace lgen
