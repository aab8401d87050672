// Standard input on a thread of its own, because it may be a file, which epoll does not take, or a terminal, at which
// nobody types: read() is asked for piece by piece, so a fast writer is held back by a slow reader.
// Thread: the loop's; the handlers are called on it.
// Lifetime: destroying it ends the thread, also one that waits for input.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "lgen/loop.h"

namespace lgen::cli {

class StdinReader {
 public:
  /// `chunk` gets what one read() has found; an empty one is the end of the input.
  StdinReader(Loop& loop, std::function<void(std::string)> chunk);
  ~StdinReader();
  StdinReader(const StdinReader&) = delete;
  StdinReader& operator=(const StdinReader&) = delete;

  /// One chunk follows.
  void read();

 private:
  void work();
  bool wait_until_wanted();
  bool wait_for_input() const;
  void deliver(std::string text);

  Loop& loop_;
  std::shared_ptr<std::function<void(std::string)>> chunk_;  // empty once the reader is gone: a chunk may be on its way
  int stop_fd_;                                              // readable: the thread is to end
  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace lgen::cli
