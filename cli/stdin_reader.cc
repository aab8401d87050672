#include "stdin_reader.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <utility>

namespace lgen::cli {
namespace {

constexpr std::size_t kChunk = 64 * 1024;

}  // namespace

StdinReader::StdinReader(Loop& loop, std::function<void(std::string)> chunk)
    : loop_(loop),
      chunk_(std::make_shared<std::function<void(std::string)>>(std::move(chunk))),
      stop_fd_(eventfd(0, EFD_CLOEXEC)),
      thread_([this] { work(); }) {}

StdinReader::~StdinReader() {
  *chunk_ = nullptr;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(stop_fd_, &one, sizeof one);
  thread_.join();
  close(stop_fd_);
}

void StdinReader::read() {
  const std::lock_guard lock(mutex_);
  wanted_ = true;
  changed_.notify_one();
}

void StdinReader::work() {
  while (wait_until_wanted() && wait_for_input()) {
    std::string text(kChunk, '\0');
    ssize_t size = 0;
    do {
      size = ::read(STDIN_FILENO, text.data(), text.size());
    } while (size < 0 && errno == EINTR);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    deliver(std::move(text));
  }
}

bool StdinReader::wait_until_wanted() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return wanted_ || stopping_; });
  wanted_ = false;
  return !stopping_;
}

/// False: the thread is to end.
bool StdinReader::wait_for_input() const {
  pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
  while (poll(fds, 2, -1) < 0 && errno == EINTR) {
  }
  return fds[1].revents == 0;
}

void StdinReader::deliver(std::string text) {
  loop_.wake([chunk = chunk_, text = std::move(text)] {
    if (*chunk) (*chunk)(text);
  });
}

}  // namespace lgen::cli
