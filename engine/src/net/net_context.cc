#include "net_context.h"

#include <algorithm>

#include "loop_internal.h"
#include "tcp_stream.h"

namespace lgen {
namespace {

constexpr std::size_t kReadSize = 64 << 10;

}  // namespace

NetContext::NetContext(Loop& loop)
    : loop_(loop), hook_(loop.add_turn_hook([this] { flush(); })), read_buffer_(kReadSize), plain_buffer_(kReadSize) {}

std::shared_ptr<NetContext> NetContext::of(Loop& loop) {
  std::weak_ptr<void>& slot = shared_slot(loop);
  if (const auto kept = slot.lock()) return std::static_pointer_cast<NetContext>(kept);
  auto made = std::make_shared<NetContext>(loop);
  slot = made;
  return made;
}

NetContext::~NetContext() { loop_.remove_turn_hook(hook_); }

void NetContext::forget(TcpStream& stream) { std::erase(unflushed_, &stream); }

/// Writing calls nobody back, so no stream goes away meanwhile.
void NetContext::flush() {
  flushing_.swap(unflushed_);
  for (TcpStream* stream : flushing_) stream->flush();
  flushing_.clear();
}

}  // namespace lgen
