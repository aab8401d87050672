// Flags and the result line shared by the bare gRPC loop and the driver of lgen's transport: both do the same work.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace bench {

constexpr const char* kText = "[Stream 12] This is message number 12345";

struct Options {
  std::string target = "127.0.0.1:50051";
  int channels = 4;
  int inflight = 64;
  std::uint64_t calls = 0;        // unary calls in all
  int streams = 0;                // client streams, dealt over the channels ...
  std::uint64_t messages = 0;     // ... with this many messages each
  bool compose = false;           // the bare loop: a new text for every message
  std::uint64_t hint_every = 64;  // the bare loop flushes every so manieth message; 1: all of them
};

inline Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    const char* value = argv[i + 1];
    const auto number = std::strtoull(value, nullptr, 10);
    if (flag == "--target") options.target = value;
    if (flag == "--channels") options.channels = static_cast<int>(number);
    if (flag == "--inflight") options.inflight = static_cast<int>(number);
    if (flag == "--calls") options.calls = number;
    if (flag == "--streams") options.streams = static_cast<int>(number);
    if (flag == "--messages") options.messages = number;
    if (flag == "--compose") options.compose = number != 0;
    if (flag == "--hint-every") options.hint_every = number;
  }
  if ((options.calls == 0) == (options.messages == 0) || (options.messages > 0 && options.streams == 0)) {
    std::fprintf(stderr,
                 "usage: %s --target HOST:PORT --channels N (--inflight N --calls N | --streams N --messages N)\n",
                 argv[0]);
    std::exit(2);
  }
  return options;
}

/// CPU time of the whole process (all threads, user and system) and wall time between two moments.
class Meter {
 public:
  Meter() : cpu_(cpu_seconds()), wall_(std::chrono::steady_clock::now()) {}

  void print(const char* unit, std::uint64_t count, std::uint64_t failed) const {
    const double cpu = cpu_seconds() - cpu_;
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - wall_;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const double units = static_cast<double>(count);
    std::printf(
        "{\"unit\": \"%s\", \"count\": %llu, \"failed\": %llu, \"cpu_us_per_unit\": %.3f, \"per_second\": %.0f, "
        "\"wall_s\": %.3f, \"peak_rss_kib\": %ld}\n",
        unit, static_cast<unsigned long long>(count), static_cast<unsigned long long>(failed), cpu * 1e6 / units,
        units / wall.count(), wall.count(), usage.ru_maxrss);
  }

 private:
  static double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }

  double cpu_;
  std::chrono::steady_clock::time_point wall_;
};

}  // namespace bench
