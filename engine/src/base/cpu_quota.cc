// A quota may stand at any level, and a group's cpu.stat tells only of its own, so all levels from the process' group
// up are read and added up. In a container the path in /proc/self/cgroup may be the host's, of which only the mount's
// own root is to be seen.
#include "lgen/cpu_quota.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <vector>

namespace lgen {

namespace {

namespace fs = std::filesystem;

/// Where a group lies: below which mount, and its path there.
struct Group {
  fs::path mount;
  std::string path;
};

bool names_cpu(std::string_view controllers) {
  while (!controllers.empty()) {
    const std::size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == "cpu") return true;
    controllers.remove_prefix(comma == std::string_view::npos ? controllers.size() : comma + 1);
  }
  return false;
}

/// Lines of /proc/self/cgroup: "4:cpu,cpuacct:/path" (v1), "0::/path" (v2).
std::vector<Group> groups_of(const fs::path& root) {
  std::vector<Group> groups;
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    const fs::path base = root / "sys/fs/cgroup";
    if (controllers.empty()) {
      groups.push_back({base, path});
      groups.push_back({base / "unified", path});
    } else if (names_cpu(controllers)) {
      for (const std::string& mount : {controllers, std::string("cpu")}) {
        if (!fs::exists(base / mount)) continue;
        groups.push_back({base / mount, path});
        break;
      }
    }
  }
  return groups;
}

/// "throttled_usec 12" (v2) or "throttled_time 12000" (v1, ns).
std::optional<Duration> throttled_in(const fs::path& stat) {
  std::ifstream file(stat);
  std::string key;
  for (std::int64_t value = 0; file >> key >> value;) {
    if (key == "throttled_usec") return std::chrono::microseconds(value);
    if (key == "throttled_time") return Duration(value);
  }
  return std::nullopt;
}

std::optional<Duration> sum_of(std::optional<Duration> a, std::optional<Duration> b) {
  if (!a || !b) return a ? a : b;
  return *a + *b;
}

std::optional<Duration> throttled_along(const Group& group) {
  std::optional<Duration> sum = throttled_in(group.mount / "cpu.stat");
  fs::path at = group.mount;
  for (const fs::path& step : fs::path(group.path).relative_path()) {
    if (step == "..") continue;  // beyond what this namespace shows
    at /= step;
    sum = sum_of(sum, throttled_in(at / "cpu.stat"));
  }
  return sum;
}

}  // namespace

std::optional<Duration> cpu_throttled(const std::string& root) {
  std::optional<Duration> sum;
  for (const Group& group : groups_of(root)) sum = sum_of(sum, throttled_along(group));
  return sum;
}

}  // namespace lgen
