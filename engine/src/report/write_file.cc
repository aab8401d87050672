// Writing an output: whole or not at all, wherever the path leads. A regular file is written beside its place and
// renamed; a device, a pipe or standard output is written to as it stands. A reader that went away is an Error, never
// a signal.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "file_io.h"
#include "lgen/report.h"

namespace lgen {
namespace {

class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~File() { close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }
  /// Some file systems tell of a full disk only here.
  bool close() { return fd_ < 0 || ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

bool is_special(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
}

/// Where a symbolic link leads, so that the rename replaces the file and not the link.
std::string resolved(const std::string& path) {
  std::error_code error;
  const auto real = std::filesystem::canonical(path, error);
  return error ? path : real.string();
}

Outcome write_special(const std::string& path, std::string_view text) {
  File file(path, O_WRONLY);
  if (file.fd() < 0 || !write_all(file.fd(), text) || !file.close()) return cannot_write(path, errno);
  return Done{};
}

/// `shown`: the path to name in an error.
Outcome fill(const std::string& path, const std::string& shown, std::string_view text) {
  File file(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (file.fd() < 0 || !write_all(file.fd(), text) || !file.close()) return cannot_write(shown, errno);
  return Done{};
}

Outcome write_regular(const std::string& path, std::string_view text) {
  const std::string beside = path + ".tmp";
  if (const Outcome filled = fill(beside, path, text); !filled) {
    ::unlink(beside.c_str());
    return filled;
  }
  if (::rename(beside.c_str(), path.c_str()) == 0) return Done{};
  const int error = errno;
  ::unlink(beside.c_str());
  return cannot_write(path, error);
}

}  // namespace

Outcome write_file(const std::string& path, std::string_view text) {
  if (path == "-") {
    if (!write_all(STDOUT_FILENO, text)) return cannot_write(path, errno);
    return Done{};
  }
  if (is_special(path)) return write_special(path, text);
  return write_regular(resolved(path), text);
}

Outcome check_writable(const std::string& path) {
  if (path == "-") return Done{};
  if (std::filesystem::is_directory(path)) return cannot_write(path, EISDIR);
  if (is_special(path)) {
    if (::access(path.c_str(), W_OK) != 0) return cannot_write(path, errno);
    return Done{};
  }
  const std::string beside = resolved(path) + ".tmp";
  const File probe(beside, O_WRONLY | O_CREAT);
  if (probe.fd() < 0) return cannot_write(path, errno);
  ::unlink(beside.c_str());
  return Done{};
}

}  // namespace lgen
