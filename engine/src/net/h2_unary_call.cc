#include "h2_unary_call.h"

#include <algorithm>
#include <utility>

#include "h2_channel.h"

namespace lgen {
namespace {

constexpr std::size_t kKeepRoom = 64 << 10;   // of buffers, for the next call
constexpr std::uint64_t kConsume = 64 << 10;  // bytes of a reply after which the peer is told to go on

}  // namespace

Op H2UnaryCall::start(std::string_view method, std::string_view request, const CallOptions& options, UnaryDone done) {
  done_ = std::move(done);
  running_ = true;
  dropped_ = false;
  assembly_.set_limit(channel_->options().max_recv);
  channel_->frame(out_, request, options.compression);
  begin(method, options, request.size());
  return Op(this);
}

H2Stream::Piece H2UnaryCall::pull(std::string& to, std::size_t room) {
  const std::size_t count = std::min(room, out_.size() - pulled_);
  to.append(out_, pulled_, count);
  pulled_ += count;
  const bool all = pulled_ == out_.size();
  return {count, all, !all};
}

void H2UnaryCall::on_data(std::string_view bytes) {
  unconsumed_ += bytes.size();
  if (unconsumed_ >= kConsume) h2()->consume(*this, std::exchange(unconsumed_, 0));
  if (over() || bytes.empty()) return;
  if (replied_) {
    surplus_ = true;
    return;
  }
  assembly_.feed(bytes);
  switch (assembly_.next(reply_)) {
    case MessageAssembly::Next::message:
      replied_ = true;
      surplus_ = !assembly_.empty();
      break;
    case MessageAssembly::Next::too_large:
      return refuse_large(assembly_.announced());
    case MessageAssembly::Next::malformed:
      return end(GrpcCode::internal, "the reply is no gRPC message: its first byte is neither 0 nor 1");
    case MessageAssembly::Next::more:
      break;
  }
}

void H2UnaryCall::tell() {
  if (!running_ || !over()) return;
  running_ = false;
  UnaryResult result;
  fill(result);
  if (result.status.ok()) take_reply(result);
  settle();
  deliver(result);
}

/// A status of OK promises exactly one message.
void H2UnaryCall::take_reply(UnaryResult& result) {
  if (surplus_ || !replied_) {
    const char* what = surplus_ ? "there is more than one reply" : "there is no whole reply";
    result.status = {GrpcCode::internal, std::string("the status is OK, but ") + what, ""};
    return;
  }
  if (const auto bytes = unpacked(reply_, unpacked_, result.status)) result.reply = *bytes;
}

void H2UnaryCall::deliver(UnaryResult& result) {
  result.headers = &answer_.headers();
  result.trailers = &answer_.trailers();
  delivering_ = true;
  if (done_) done_(result);
  delivering_ = false;
  if (dropped_) let_go();
}

void H2UnaryCall::drop() noexcept {
  dropped_ = true;
  if (delivering_) return;
  if (running_) {
    running_ = false;
    settle();
  }
  let_go();
}

void H2UnaryCall::let_go() {
  done_ = nullptr;
  if (channel_ == nullptr) {
    delete this;
    return;
  }
  clear();
  out_.clear();
  if (out_.capacity() > kKeepRoom) std::string().swap(out_);
  if (unpacked_.capacity() > kKeepRoom) std::string().swap(unpacked_);
  assembly_.reset(kKeepRoom);
  pulled_ = 0;
  replied_ = surplus_ = false;
  channel_->recycle(this);
}

}  // namespace lgen
