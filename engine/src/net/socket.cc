#include "socket.h"

#include <unistd.h>

#include "loop_internal.h"

namespace lgen {

Socket::Socket(Loop& loop, int fd) : handle_(new Handle) {
  handle_->fd = fd;
  uv_poll_init(uv(loop), &handle_->uv, fd);
  handle_->uv.data = handle_;
}

void Socket::watch(SocketOwner* owner, int events) {
  handle_->owner = owner;
  if (events == handle_->events) return;
  handle_->events = events;
  if (events == 0) {
    uv_poll_stop(&handle_->uv);
  } else {
    uv_poll_start(&handle_->uv, events, ready);
  }
}

/// libuv stops a handle whose descriptor is in error and says so by a status.
void Socket::ready(uv_poll_t* uv, int status, int events) {
  auto* handle = static_cast<Handle*>(uv->data);
  note_awake(uv->loop);
  if (status < 0) {
    handle->events = 0;
    events = kReadable | kWritable;
  }
  if (handle->owner != nullptr) handle->owner->on_ready(events);
}

void Socket::close() {
  if (handle_ == nullptr) return;
  Handle* handle = std::exchange(handle_, nullptr);
  handle->owner = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&handle->uv), [](uv_handle_t* uv) { delete static_cast<Handle*>(uv->data); });
  ::close(handle->fd);
}

}  // namespace lgen
