#include "proc_stat.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace lgen::cluster {

std::optional<Duration> cpu_of_stat(std::string_view stat, long ticks_per_second) {
  // The second field is the program's name in parentheses, and may hold anything. utime and stime are fields 14 and 15.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  std::istringstream fields{std::string(stat.substr(name_end + 1))};
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  long user = 0, system = 0;
  if (!(fields >> user >> system)) return std::nullopt;
  return std::chrono::nanoseconds((user + system) * (1'000'000'000L / ticks_per_second));
}

std::optional<Duration> cpu_used(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  std::string text;
  if (!std::getline(in, text)) return std::nullopt;
  return cpu_of_stat(text, sysconf(_SC_CLK_TCK));
}

}  // namespace lgen::cluster
