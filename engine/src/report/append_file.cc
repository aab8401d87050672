#include "lgen/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <limits.h>
#include <algorithm>
#include <cerrno>
#include <utility>

#include "file_io.h"
#include "lgen/log.h"

namespace lgen {
namespace {

constexpr std::size_t kMostWaiting = std::size_t{4} << 20;  // for a pipe's reader
constexpr int kLastPatience = 5'000;                        // ms, at the end

/// A pipe that polls as writable takes PIPE_BUF bytes without holding us up.
bool has_room(int fd, int patience_ms) {
  pollfd events{fd, POLLOUT, 0};
  return poll(&events, 1, patience_ms) == 1;
}

}  // namespace

Result<std::unique_ptr<AppendFile>> AppendFile::open(const std::string& path, int stdout_fd) {
  const bool owned = path != "-";
  const int fd = owned ? ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : stdout_fd;
  struct stat info;
  if (fd < 0 || fstat(fd, &info) != 0) return cannot_write(path, errno);
  std::unique_ptr<AppendFile> file(new AppendFile(path, fd, owned));
  file->regular_ = S_ISREG(info.st_mode);
  return file;
}

AppendFile::AppendFile(std::string path, int fd, bool owned) : path_(std::move(path)), fd_(fd), owned_(owned) {}

AppendFile::~AppendFile() {
  if (owned_ && fd_ >= 0) ::close(fd_);
}

void AppendFile::begin() {
  if (regular_ && owned_ && ftruncate(fd_, 0) != 0) lose("", errno);
}

bool AppendFile::append(std::string_view lines) {
  if (fd_ < 0) return false;
  return regular_ ? append_regular(lines) : append_pipe(lines);
}

bool AppendFile::append_regular(std::string_view lines) {
  const off_t before = lseek(fd_, 0, SEEK_CUR);
  if (write_all(fd_, lines)) return true;
  lose(lines, errno);
  // Half a line would spoil what follows, should the disk have room again.
  if (ftruncate(fd_, before) == 0) lseek(fd_, before, SEEK_SET);
  return false;
}

bool AppendFile::append_pipe(std::string_view lines) {
  const bool fits = waiting_.size() + lines.size() <= kMostWaiting;
  if (fits) waiting_ += lines;
  const bool written = drain(0);
  if (!fits) lose(lines, EAGAIN);
  return fits && written;
}

/// False: the pipe is broken; what waited is lost.
bool AppendFile::drain(int patience_ms) {
  std::size_t done = 0;
  while (done < waiting_.size() && has_room(fd_, patience_ms)) {
    const std::size_t piece = std::min<std::size_t>(waiting_.size() - done, PIPE_BUF);
    if (!write_all(fd_, std::string_view(waiting_).substr(done, piece))) {
      lose(std::string_view(waiting_).substr(done), errno);
      waiting_.clear();
      return false;
    }
    done += piece;
    mid_line_ = waiting_[done - 1] != '\n';
  }
  waiting_.erase(0, done);
  return true;
}

/// The first time is told at once, so that somebody may make room while the run goes on.
void AppendFile::lose(std::string_view lines, int error) {
  lines_lost_ += static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
  if (failure_) return;
  failure_ = error == EAGAIN ? make_error(ErrorCode::io, fmt::format("{}: its reader takes less than there is to tell",
                                                                     path_ == "-" ? "standard output" : path_))
                             : cannot_write(path_, error);
  log(LogLevel::warn, failure_->message + "; the load goes on");
}

Outcome AppendFile::settle() {
  if (!regular_ && fd_ >= 0) give_up_waiting();
  return outcome();
}

void AppendFile::give_up_waiting() {
  drain(failure_ ? 0 : kLastPatience);
  const std::size_t begun = mid_line_ ? waiting_.find('\n') + 1 : 0;
  if (waiting_.size() > begun) lose(std::string_view(waiting_).substr(begun), EAGAIN);
  waiting_.resize(std::min(waiting_.size(), begun));
}

Outcome AppendFile::close() {
  if (!regular_ && fd_ >= 0) give_up_waiting();
  if (!waiting_.empty()) lose(std::exchange(waiting_, {}), EAGAIN);
  const int fd = std::exchange(fd_, -1);
  if (owned_ && fd >= 0 && ::close(fd) != 0) lose("", errno);  // some file systems tell of a full disk only here
  return outcome();
}

Outcome AppendFile::outcome() const {
  if (!failure_) return Done{};
  return make_error(failure_->code, fmt::format("{}; {} {} missing", failure_->message, lines_lost_,
                                                lines_lost_ == 1 ? "line is" : "lines are"));
}

}  // namespace lgen
