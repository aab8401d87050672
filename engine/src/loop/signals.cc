#include "signals.h"

#include <utility>

#include "loop_internal.h"

namespace lgen {

void Signals::set(int signum, std::function<void(int)> handler) {
  const auto found = handles_.find(signum);
  if (!handler) {
    if (found == handles_.end()) return;
    release(found->second);
    handles_.erase(found);
    return;
  }
  if (found != handles_.end()) {
    found->second->handler = std::move(handler);
    return;
  }
  auto* handle = new Handle;
  uv_signal_init(loop_, &handle->uv);
  handle->uv.data = handle;
  handle->handler = std::move(handler);
  handles_[signum] = handle;
  uv_signal_start(
      &handle->uv,
      [](uv_signal_t* uv, int number) {
        note_awake(uv->loop);
        const auto call = static_cast<Handle*>(uv->data)->handler;  // a copy: the handler may replace itself
        call(number);
      },
      signum);
}

void Signals::release(Handle* handle) {
  uv_close(reinterpret_cast<uv_handle_t*>(&handle->uv), [](uv_handle_t* uv) { delete static_cast<Handle*>(uv->data); });
}

void Signals::clear() {
  for (const auto& [signum, handle] : handles_) release(handle);
  handles_.clear();
}

}  // namespace lgen
