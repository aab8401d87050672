#include "h2_stream_call.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "h2_channel.h"

namespace lgen {
namespace {

constexpr std::size_t kKeepRoom = 512;  // of a stream that has nothing buffered

}  // namespace

H2StreamCall::~H2StreamCall() {
  if (destroyed_ != nullptr) *destroyed_ = true;
  settle();
  if (channel_ != nullptr) channel_->give_back(std::move(out_));
}

void H2StreamCall::start(std::string_view method, const CallOptions& options) {
  compression_ = options.compression;
  assembly_.set_limit(channel_->options().max_recv);
  begin(method, options, 0);
}

GrpcStream::Sent H2StreamCall::send(std::string_view message) {
  if (half_closed_ || over() || channel_ == nullptr) return Sent::ended;
  if (too_large_to_send(message.size())) return Sent::ended;
  if (buffered() > 0 && buffered() + message.size() + kMessagePrefix > kSendBuffer) {
    sender_waits_ = true;
    return Sent::full;
  }
  if (out_.capacity() < kMessagePrefix + message.size()) channel_->lend(out_);
  channel_->append(out_, message, compression_);
  ++accepted_;
  wake_body();
  return Sent::accepted;
}

void H2StreamCall::half_close() {
  if (half_closed_ || over()) return;
  half_closed_ = true;
  wake_body();
}

void H2StreamCall::wake_body() {
  if (h2() != nullptr && std::exchange(body_waits_, false)) h2()->resume(*this);
}

void H2StreamCall::read() {
  assert(!reading_ && "one read at a time");
  if (told_ || reading_ || channel_ == nullptr) return;
  reading_ = true;
  if (unconsumed_ >= kConsume) consume();
  if (over() || !assembly_.empty()) note();
}

void H2StreamCall::consume() {
  if (h2() != nullptr) h2()->consume(*this, std::exchange(unconsumed_, 0));
}

H2Stream::Piece H2StreamCall::pull(std::string& to, std::size_t room) {
  const std::size_t count = std::min(room, buffered());
  to.append(out_, pulled_, count);
  count_written({out_.data() + pulled_, count});
  pulled_ += count;
  if (buffered() == 0) {
    pulled_ = 0;
    channel_->give_back(std::move(out_));
    out_ = std::string();
  }
  if (sender_waits_ && buffered() <= kLowWater) {
    sender_waits_ = false;
    writable_untold_ = true;
    note();
  }
  const bool all = buffered() == 0;
  body_waits_ = all && !half_closed_;
  return {count, half_closed_ && all, !all};
}

/// Counts the messages that end within `bytes`, which go on where the last ones stopped.
void H2StreamCall::count_written(std::string_view bytes) {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  while (left > 0) {
    if (message_left_ == 0) {  // out_ always holds whole messages, so the prefix is there, even beyond `bytes`
      message_left_ = kMessagePrefix + std::uint64_t{message_length(at)};
    }
    const std::size_t count = std::min<std::size_t>(left, message_left_);
    message_left_ -= count;
    at += count;
    left -= count;
    if (message_left_ == 0) ++written_;
  }
}

void H2StreamCall::headers_came() {
  headers_untold_ = true;
  note();
}

void H2StreamCall::on_data(std::string_view bytes) {
  unconsumed_ += bytes.size();
  if (reading_ && unconsumed_ >= kConsume) consume();
  if (over()) return;
  assembly_.feed(bytes);
  if (reading_) note();
}

void H2StreamCall::tell() {
  bool gone = false;
  bool* const outer = std::exchange(destroyed_, &gone);
  if (headers_untold_ && channel_ != nullptr) tell_headers();
  while (!gone && tell_message()) {
  }
  if (!gone && assembly_.empty()) assembly_.reset(kKeepRoom);
  if (!gone && std::exchange(writable_untold_, false) && !over()) events_->on_writable();
  if (!gone && may_end()) tell_end();
  if (!gone) destroyed_ = outer;
}

void H2StreamCall::tell_headers() {
  headers_untold_ = false;
  const auto kept = answer_.keep_headers();  // whatever is destroyed meanwhile
  events_->on_headers(answer_.headers(), peer_, connection_, timing_.first_byte);
}

/// The next message, if one is asked for and there. true: there may be another one.
bool H2StreamCall::tell_message() {
  if (!reading_ || told_ || channel_ == nullptr) return false;
  MessageAssembly::Message message;
  switch (assembly_.next(message)) {
    case MessageAssembly::Next::message:
      break;
    case MessageAssembly::Next::too_large:
      fail(larger_than_max(assembly_.announced()));
      return false;
    case MessageAssembly::Next::malformed:
      fail({GrpcCode::internal, "what comes is no gRPC message: its first byte is neither 0 nor 1", ""});
      return false;
    case MessageAssembly::Next::more:
      return false;
  }
  std::string scratch;
  GrpcStatus problem;
  const auto bytes = unpacked(message, scratch, problem);
  if (!bytes) {
    fail(problem);
    return false;
  }
  reading_ = false;
  ++received_;
  events_->on_message(*bytes);
  return true;
}

/// A message that cannot be read ends the stream, also one that has ended well as far as the peer is concerned.
void H2StreamCall::fail(GrpcStatus problem) {
  problem_ = std::make_unique<GrpcStatus>(std::move(problem));
  end(problem_->code, problem_->message);
}

/// Messages that have come before a good end are still there to be read.
bool H2StreamCall::may_end() const { return over() && !told_ && (!ended_well() || problem_ || !assembly_.has_next()); }

void H2StreamCall::tell_end() {
  told_ = true;
  StreamResult result;
  fill(result);
  if (problem_) {
    result.status = std::move(*problem_);
  } else if (result.status.ok() && !assembly_.empty()) {
    result.status = {GrpcCode::internal, "the status is OK, but the last message is not whole", ""};
  }
  result.accepted = accepted_;
  result.written = written_;
  result.discarded = accepted_ - written_;
  result.received = received_;
  result.headers = &answer_.headers();
  result.trailers = &answer_.trailers();
  settle();
  events_->on_done(result);
}

}  // namespace lgen
