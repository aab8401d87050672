// Writes the server's log lines in the original's format, from one thread of its own.
//
// *Thread:* `info` may be called from any thread and never waits for the reader of the output.
// *Lifetime:* lines still queued are written before the destructor returns.
#pragma once

#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace lgen::server {

// "2025-07-31 14:48:01,861 - root - INFO - ", in local time.
class LogPrefix {
 public:
  void append_to(std::string& out, std::chrono::system_clock::time_point now);

 private:
  std::time_t second_ = -1;  // calendar arithmetic is done once a second, not once a line
  std::string date_and_time_;
};

class Log {
 public:
  explicit Log(int fd);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void info(std::string_view line);

 private:
  void write_until_closed();

  const int fd_;
  std::mutex mutex_;
  std::condition_variable wake_;
  LogPrefix prefix_;
  std::string queued_;
  bool closing_ = false;
  std::thread writer_;
};

}  // namespace lgen::server
