#include "process_metrics.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <utility>

namespace lgen::server {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

// The fields of /proc/self/stat that are reported, in the kernel's units.
struct ProcStat {
  double virtual_bytes = 0;
  double resident_pages = 0;
  double start_ticks = 0;  // since boot
};

ProcStat read_stat() {
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  // The second field is the program's name in parentheses and may itself hold spaces: count from behind it.
  const auto name_end = text.rfind(')');
  std::istringstream fields(name_end == std::string::npos ? std::string() : text.substr(name_end + 1));
  std::array<std::string, 22> field;
  for (std::string& value : field) fields >> value;
  const auto number = [](const std::string& value) { return value.empty() ? 0.0 : std::stod(value); };
  // proc(5) numbers the fields from 1; the state, our first, is its field 3.
  return {.virtual_bytes = number(field[20]), .resident_pages = number(field[21]), .start_ticks = number(field[19])};
}

double boot_time_seconds() {
  std::ifstream file("/proc/stat");
  std::string key;
  while (file >> key) {
    double value = 0;
    if (key == "btime") return file >> value ? value : 0;
    file.ignore(1 << 20, '\n');
  }
  return 0;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double open_descriptors() {
  std::error_code ignored;
  const std::filesystem::directory_iterator entries("/proc/self/fd", ignored);
  return static_cast<double>(std::distance(begin(entries), end(entries)));
}

double most_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

MetricFamily single_sample(std::string name, std::string help, MetricType type, double value) {
  prometheus::ClientMetric sample;
  if (type == MetricType::Counter) sample.counter.value = value;
  if (type == MetricType::Gauge) sample.gauge.value = value;
  MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = type;
  family.metric.push_back(std::move(sample));
  return family;
}

std::vector<MetricFamily> process_metrics() {
  const ProcStat stat = read_stat();
  const double page = static_cast<double>(sysconf(_SC_PAGESIZE));
  const double start = boot_time_seconds() + stat.start_ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
  return {
      single_sample("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
                    MetricType::Counter, cpu_seconds()),
      single_sample("process_resident_memory_bytes", "Resident memory size in bytes.", MetricType::Gauge,
                    stat.resident_pages * page),
      single_sample("process_virtual_memory_bytes", "Virtual memory size in bytes.", MetricType::Gauge,
                    stat.virtual_bytes),
      single_sample("process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
                    MetricType::Gauge, start),
      single_sample("process_open_fds", "Number of open file descriptors.", MetricType::Gauge, open_descriptors()),
      single_sample("process_max_fds", "Maximum number of open file descriptors.", MetricType::Gauge,
                    most_descriptors()),
  };
}

}  // namespace lgen::server
