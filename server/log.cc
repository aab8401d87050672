#include "log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>

namespace lgen::server {
namespace {

// All of `text`, or as much as the reader took before it went away.
void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd writable{fd, POLLOUT, 0};
      poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return;
    }
  }
}

}  // namespace

void LogPrefix::append_to(std::string& out, std::chrono::system_clock::time_point now) {
  using std::chrono::milliseconds;
  const auto since_epoch = std::chrono::duration_cast<milliseconds>(now.time_since_epoch()).count();
  const std::time_t second = since_epoch / 1000;
  if (second != second_) {
    std::tm local{};
    localtime_r(&second, &local);
    date_and_time_ = fmt::format("{:%Y-%m-%d %H:%M:%S}", local);
    second_ = second;
  }
  fmt::format_to(std::back_inserter(out), "{},{:03} - root - INFO - ", date_and_time_, since_epoch % 1000);
}

Log::Log(int fd) : fd_(fd), writer_([this] { write_until_closed(); }) {}

Log::~Log() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  writer_.join();
}

void Log::info(std::string_view line) {
  {
    const std::lock_guard lock(mutex_);
    // The stamp is taken under the lock, so stamps never run backwards in the output.
    prefix_.append_to(queued_, std::chrono::system_clock::now());
    queued_.append(line).push_back('\n');
  }
  wake_.notify_one();
}

void Log::write_until_closed() {
  std::string taken;
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return closing_ || !queued_.empty(); });
    if (queued_.empty()) return;
    taken.clear();
    taken.swap(queued_);
    lock.unlock();
    write_all(fd_, taken);
    lock.lock();
  }
}

}  // namespace lgen::server
