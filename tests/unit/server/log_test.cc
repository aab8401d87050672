#include "log.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include "catch.h"

using lgen::server::Log;
using lgen::server::LogPrefix;

namespace {

// The reading and the writing end of a pipe.
struct Pipe {
  Pipe() { REQUIRE(pipe(ends.data()) == 0); }
  ~Pipe() {
    close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
  }
  std::string read_to_end() {
    close(ends[1]);
    ends[1] = -1;
    std::string text;
    std::array<char, 4096> chunk{};
    for (ssize_t n; (n = read(ends[0], chunk.data(), chunk.size())) > 0;) {
      text.append(chunk.data(), static_cast<std::size_t>(n));
    }
    return text;
  }
  std::array<int, 2> ends{};
};

}  // namespace

TEST_CASE("the prefix is Python's: a comma before three digits of milliseconds") {
  setenv("TZ", "UTC", 1);
  tzset();
  LogPrefix prefix;
  struct Row {
    std::int64_t milliseconds;
    const char* text;
  };
  const Row rows[] = {{1753973281861, "2025-07-31 14:48:01,861 - root - INFO - "},
                      {1753973281007, "2025-07-31 14:48:01,007 - root - INFO - "},
                      {1753973282000, "2025-07-31 14:48:02,000 - root - INFO - "}};
  for (const Row& row : rows) {
    std::string out;
    prefix.append_to(out, std::chrono::system_clock::time_point(std::chrono::milliseconds(row.milliseconds)));
    CHECK(out == row.text);
  }
}

TEST_CASE("every line of every thread is whole and written before the log ends") {
  Pipe pipe;
  {
    Log log(pipe.ends[1]);
    std::vector<std::thread> writers;
    for (int i = 0; i < 4; ++i) {
      writers.emplace_back([&log] {
        for (int line = 0; line < 50; ++line) log.info("0123456789");
      });
    }
    for (auto& writer : writers) writer.join();
  }
  std::string text = pipe.read_to_end();
  std::size_t lines = 0;
  for (std::size_t end; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
    CHECK(text.substr(0, end).ends_with(" - root - INFO - 0123456789"));
    ++lines;
  }
  CHECK(lines == 200);
}
