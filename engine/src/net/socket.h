// A descriptor of a socket that the loop watches. uv_poll and not uv_tcp: one kind of handle for TCP and local sockets,
// reads and writes are plain system calls into buffers of our choice (TLS included) with no request object for each,
// and a descriptor can be bound, configured and asked (SO_ERROR, TCP_INFO) before and while libuv knows it.
// Thread: the loop's.
// Lifetime: the handle's memory outlives the Socket until libuv lets it go. The descriptor is closed at once.
#pragma once

#include <uv.h>

#include <utility>

#include "lgen/loop.h"

namespace lgen {

/// Who is told that the descriptor is ready.
class SocketOwner {
 public:
  /// `events`: of Socket::kReadable and kWritable. On an error both: the next system call tells it.
  virtual void on_ready(int events) = 0;

 protected:
  ~SocketOwner() = default;
};

class Socket {
 public:
  static constexpr int kReadable = UV_READABLE;
  static constexpr int kWritable = UV_WRITABLE;

  Socket() = default;
  /// Owns `fd`, which must be non-blocking.
  Socket(Loop& loop, int fd);
  Socket(Socket&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Socket& operator=(Socket&& other) noexcept {
    if (this != &other) {
      close();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~Socket() { close(); }

  explicit operator bool() const { return handle_ != nullptr; }
  int fd() const { return handle_->fd; }
  /// Calls `owner` when one of `events` is there, in every turn until it is not; 0: not at all.
  void watch(SocketOwner* owner, int events);
  void close();

 private:
  struct Handle {
    uv_poll_t uv{};
    int fd = -1;
    int events = 0;
    SocketOwner* owner = nullptr;
  };
  static void ready(uv_poll_t* uv, int status, int events);

  Handle* handle_ = nullptr;
};

}  // namespace lgen
