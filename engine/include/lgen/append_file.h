// A file that grows while a run goes on. What cannot be written never holds the run up: it is left out, counted, and
// told at the end; a disk that has room again is written to again.
// Thread: one.
// Lifetime: owns its descriptor, but not that of standard output.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lgen/error.h"

namespace lgen {

class AppendFile {
 public:
  /// "-" is `stdout_fd`. What the file held stays until begin().
  static Result<std::unique_ptr<AppendFile>> open(const std::string& path, int stdout_fd);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  /// Empties the file.
  void begin();
  /// Whole lines. A regular file gets all of them or none, so that it stays readable; a pipe takes what it has room
  /// for, the rest waits for the next time, as long as it is not too much. False: something was left out.
  bool append(std::string_view lines);
  /// Gives a slow reader of a pipe some seconds more; what it has not taken then is left out, but for the rest of a
  /// line that it has begun. An error tells what was left out and why.
  Outcome settle();
  /// The same, and the last of it.
  Outcome close();

  /// What the first failure was; nothing: all is well.
  const std::optional<Error>& failure() const { return failure_; }
  std::uint64_t lines_lost() const { return lines_lost_; }

 private:
  AppendFile(std::string path, int fd, bool owned);
  bool append_regular(std::string_view lines);
  bool append_pipe(std::string_view lines);
  bool drain(int patience_ms);
  void lose(std::string_view lines, int error);
  void give_up_waiting();
  Outcome outcome() const;

  const std::string path_;
  int fd_;
  const bool owned_;
  bool regular_ = false;
  std::string waiting_;    // of a pipe
  bool mid_line_ = false;  // what the pipe took ends inside a line
  std::optional<Error> failure_;
  std::uint64_t lines_lost_ = 0;
};

}  // namespace lgen
