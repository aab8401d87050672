#include "file_io.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

namespace lgen {

Error cannot_write(const std::string& path, int error) {
  const std::string_view help = error == ENOSPC || error == EDQUOT  ? "; free some space or name another place"
                                : error == ENOENT                   ? "; its folder does not exist, create it first"
                                : error == EACCES || error == EROFS ? "; name a folder you may write to"
                                                                    : "";
  return make_error(
      error == EPIPE ? ErrorCode::closed : ErrorCode::io,
      fmt::format("cannot write {}: {}{}", path == "-" ? "standard output" : path, std::strerror(error), help));
}

PipeGuard::PipeGuard() {
  sigemptyset(&pipe_);
  sigaddset(&pipe_, SIGPIPE);
  sigset_t pending;
  sigpending(&pending);
  was_pending_ = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
}

PipeGuard::~PipeGuard() {
  const int error = errno;
  const timespec at_once{};
  if (!was_pending_) sigtimedwait(&pipe_, nullptr, &at_once);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  errno = error;
}

bool write_all(int fd, std::string_view text) {
  const PipeGuard guard;
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace lgen
