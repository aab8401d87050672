#include "event_log.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <utility>

namespace lgen::cluster {

namespace {

constexpr std::size_t kMostKept = 4 << 20;
constexpr std::size_t kPiece = 4096;  // PIPE_BUF: a pipe that can be written to takes it without blocking

double milliseconds_of(double seconds) { return std::round(seconds * 1000) / 1000; }

// Not by O_NONBLOCK: that would be everybody's who shares the terminal or file.
bool takes_more(int fd) {
  pollfd entry{fd, POLLOUT, 0};
  return poll(&entry, 1, 0) == 1;
}

}  // namespace

std::string EventLog::line_of(std::string_view name, const Facts& facts) const {
  const auto unix_time = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch());
  Facts line = {{"event", name},
                {"unix_seconds", milliseconds_of(unix_time.count())},
                {"cluster_seconds", milliseconds_of(to_seconds(clock_.since_start()))}};
  line.update(facts);
  return line.dump(-1, ' ', false, Facts::error_handler_t::replace) + "\n";
}

void EventLog::append(std::string_view name, const Facts& facts) {
  std::string line = line_of(name, facts);
  unsent_ += line;
  remember(std::move(line));
}

void EventLog::remember(std::string line) {
  history_size_ += line.size();
  history_.push_back(std::move(line));
  for (; history_size_ > kMostKept; ++forgotten_) {
    history_size_ -= history_.front().size();
    history_.pop_front();
  }
}

std::string EventLog::history() const {
  std::string text = forgotten_ > 0 ? line_of("events_forgotten", {{"count", forgotten_}}) : "";
  text.reserve(text.size() + history_size_);
  for (const std::string& line : history_) text += line;
  return text;
}

void EventLog::write(std::string_view name, const Facts& facts) {
  flush();
  if (unsent_.size() > kMostKept) {
    ++lost_;
    return remember(line_of(name, facts));
  }
  if (lost_ > 0) append("events_lost", {{"count", std::exchange(lost_, 0)}});
  append(name, facts);
  flush();
}

// A pipe without a reader is one even while nothing happens.
void EventLog::note_reader() {
  pollfd entry{fd_, 0, 0};
  if (poll(&entry, 1, 0) == 1 && (entry.revents & POLLERR) != 0) trouble_ = EPIPE;
}

void EventLog::flush() {
  note_reader();
  while (trouble_ != EPIPE && !unsent_.empty() && takes_more(fd_)) {
    const ssize_t count = ::write(fd_, unsent_.data(), std::min(unsent_.size(), kPiece));
    if (count < 0 && errno == EINTR) continue;
    trouble_ = count < 0 ? errno : 0;
    // A full disk may have room again.
    if (count < 0) break;
    unsent_.erase(0, static_cast<std::size_t>(count));
  }
  if (trouble_ == EPIPE) unsent_.clear();
}

}  // namespace lgen::cluster
