#include "grpc_stream_call.h"

#include <grpc/byte_buffer.h>

#include <array>
#include <cassert>
#include <utility>

namespace lgen {

void SendQueue::push(std::string_view message) {
  if (slices_.size() == slices_.capacity() && head_ > slices_.size() / 2) {  // room in front rather than more memory
    slices_.erase(slices_.begin(), slices_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
  slices_.push_back(grpc_slice_from_copied_buffer(message.data(), message.size()));
  cost_ += cost_of(message.size());
}

grpc_slice SendQueue::pop() {
  const grpc_slice slice = slices_[head_++];
  cost_ -= cost_of(GRPC_SLICE_LENGTH(slice));
  if (!empty()) return slice;
  head_ = 0;
  slices_.clear();
  return slice;
}

void SendQueue::clear() {
  while (!empty()) grpc_slice_unref(pop());
}

void GrpcStreamCall::start(std::string_view method, const CallOptions& options) {
  timing_.started = channel_->loop().precise_now();
  timing_.intended = options.intended == TimePoint{} ? timing_.started : options.intended;
  channel_->enter(*this);
  const TimePoint deadline = deadline_of(timing_.started, options.timeout);
  call_ = channel_->create_call(method, deadline);
  if (call_ == nullptr) return start_failed(GrpcCode::cancelled, "the channel is closed");
  SendMetadata& metadata = channel_->send_metadata();
  std::string_view bad_key;
  if (!metadata.assign(options.metadata, options.compression, bad_key)) {
    return start_failed(GrpcCode::internal, "metadata '" + std::string(bad_key) + "': not a header HTTP/2 can carry");
  }
  grpc_op op = metadata.op(options.wait_for_ready);
  begin(&op, 1, sent_tag_);
  metadata.clear();
  op = grpc_op{};
  op.op = GRPC_OP_RECV_INITIAL_METADATA;
  op.data.recv_initial_metadata.recv_initial_metadata = headers_.array();
  begin(&op, 1, headers_tag_);
  op = status_.op();
  begin(&op, 1, status_tag_);
  if (deadline == kNever) return;
  deadline_ = std::make_unique<Timer>(channel_->loop(), [this] {
    cancelled_ = true;
    exceed_deadline(call_);
  });
  deadline_->arm(deadline);
}

bool GrpcStreamCall::begin(const grpc_op* ops, std::size_t count, CoreTag& tag) {
  if (grpc_call_start_batch(call_, ops, count, tag.as_core_tag(), nullptr) != GRPC_CALL_OK) return false;
  ++outstanding_;
  return true;
}

/// Nothing was started: the end comes from the loop instead of the queue.
void GrpcStreamCall::start_failed(GrpcCode code, const std::string& message) {
  if (call_ != nullptr) grpc_call_unref(std::exchange(call_, nullptr));  // operations on it would never complete
  status_.code = static_cast<int>(code);
  status_.message = grpc_slice_from_copied_buffer(message.data(), message.size());
  ++outstanding_;
  channel_->loop().post([this] { status_tag_.complete(true); });
}

GrpcStream::Sent GrpcStreamCall::send(std::string_view message) {
  if (half_closed_ || status_known_ || channel_ == nullptr) return GrpcStream::Sent::ended;
  if (!queue_.empty() && queue_.cost() + SendQueue::cost_of(message.size()) > kSendBuffer) {
    sender_waits_ = true;
    return GrpcStream::Sent::full;
  }
  queue_.push(message);
  ++accepted_;
  channel_->pump_later(*this);
  return GrpcStream::Sent::accepted;
}

void GrpcStreamCall::half_close() {
  if (half_closed_ || status_known_ || channel_ == nullptr) return;
  half_closed_ = true;
  channel_->pump_later(*this);
}

void GrpcStreamCall::read() {
  assert(!reading_ && "one read at a time");
  if (over_ || reading_ || call_ == nullptr) return;
  grpc_op op{};
  op.op = GRPC_OP_RECV_MESSAGE;
  op.data.recv_message.recv_message = &in_;
  reading_ = begin(&op, 1, read_tag_);
}

void GrpcStreamCall::cancel_for(const char* reason) {
  if (call_ == nullptr || status_known_) return;
  cancelled_ = true;
  grpc_call_cancel_with_status(call_, GRPC_STATUS_CANCELLED, reason, nullptr);
}

void GrpcStreamCall::abandon() {
  events_ = nullptr;
  cancel_for("dropped by the caller");
  if (!busy_) end_if_over();
}

void GrpcStreamCall::pump() {
  if (writing_ || status_known_ || channel_ == nullptr || events_ == nullptr || call_ == nullptr) return;
  std::array<grpc_op, 2> ops{};
  std::size_t count = 0;
  writing_message_ = !queue_.empty();
  if (writing_message_) {
    out_.assign(queue_.pop());
    ops[count].op = GRPC_OP_SEND_MESSAGE;
    ops[count].flags = queue_.empty() ? 0 : GRPC_WRITE_BUFFER_HINT;
    ops[count++].data.send_message.send_message = out_.get();
  }
  if (closing_now()) {
    ops[count++].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    close_sent_ = true;
  }
  if (count > 0) writing_ = begin(ops.data(), count, write_tag_);
}

void GrpcStreamCall::on_sent(bool ok) {
  if (!ok) return;
  if (timing_.sent == TimePoint{}) timing_.sent = Monotonic::now();
  book();
}

/// The connection is decided when the headers have gone out, never later: by then there may be another one.
void GrpcStreamCall::book() {
  if (booked_ || channel_ == nullptr) return;
  connection_ = channel_->connectivity().connection();
  channel_->connectivity().stream_sent(connection_);
  booked_ = true;
}

/// Subtleness ahead: of a call that ends without an answer, or with a web server's, gRPC says "the headers are here,
/// and there are none", as of one whose server has nothing to say in them. A message, a status or some patience tells
/// which.
void GrpcStreamCall::on_headers(bool ok) {
  if (!ok || status_known_) return;
  headers_at_ = Monotonic::now();
  if (headers_.entries().count > 0 || channel_ == nullptr) return tell_headers();
  doubt_ = std::make_unique<Timer>(channel_->loop(), [this] {
    if (!cancelled_) tell_headers();
  });
  doubt_->arm(headers_at_ + kDoubt);
}

void GrpcStreamCall::tell_headers() {
  doubt_.reset();
  timing_.first_byte = headers_at_;
  if (timing_.sent == TimePoint{}) timing_.sent = timing_.first_byte;  // the answer overtook the news of the sending
  book();
  if (events_ == nullptr || channel_ == nullptr) return;
  MetadataView view;
  headers_.view_into(view);
  events_->on_headers(view, channel_->peer(call_), connection_, headers_at_);
}

void GrpcStreamCall::on_read(bool ok) {
  reading_ = false;
  grpc_byte_buffer* message = std::exchange(in_, nullptr);
  if (message == nullptr) return end_our_side();
  if (ok && events_ != nullptr) {
    if (doubt_) tell_headers();
    ++received_;
    std::string scratch;
    events_->on_message(flatten(message, scratch));
  }
  grpc_byte_buffer_destroy(message);
}

/// No more messages will come, and the status should be there within this turn. A server that has ended its side
/// without one, as a web server does after its page, gives gRPC's own status only once ours has ended, too.
void GrpcStreamCall::end_our_side() {
  if (!status_known_) half_close();
}

void GrpcStreamCall::on_written(bool ok) {
  writing_ = false;
  if (writing_message_ && ok) ++written_;
  if (ok) pump();
  if (sender_waits_ && queue_.cost() <= kLowWater) wake_sender();
}

void GrpcStreamCall::wake_sender() {
  if (status_known_) return;  // on_done follows
  sender_waits_ = false;
  if (events_ != nullptr) events_->on_writable();
}

void GrpcStreamCall::on_status(bool) {
  status_known_ = true;
  deadline_.reset();
  timing_.done = Monotonic::now();
  if (doubt_ && status_.code == GRPC_STATUS_OK) tell_headers();
  doubt_.reset();
}

/// The end is told when gRPC has given everything back: only then is it known which writes succeeded.
void GrpcStreamCall::end_if_over() {
  if (outstanding_ > 0) return;
  if (status_known_ && !over_) {
    over_ = true;
    if (booked_ && channel_ != nullptr) {
      channel_->connectivity().stream_ended(connection_, status_.code == GRPC_STATUS_OK);
    }
    StreamResult result;
    MetadataView headers;
    MetadataView trailers;
    headers_.view_into(headers);
    status_.trailers.view_into(trailers);
    result.headers = &headers;
    result.trailers = &trailers;
    fill(result);
    if (channel_ != nullptr) channel_->forget(*this);
    queue_.clear();
    busy_ = true;
    if (events_ != nullptr) events_->on_done(result);
    busy_ = false;
    if (call_ != nullptr) grpc_call_unref(std::exchange(call_, nullptr));
    status_.reset();
  }
  if (events_ == nullptr) delete this;
}

void GrpcStreamCall::fill(StreamResult& result) {
  result.status = status_.to_status();
  result.timing = timing_;
  result.accepted = accepted_;
  result.written = written_;
  result.discarded = accepted_ - written_;
  result.received = received_;
  result.answered = result.status.ok() || timing_.first_byte != TimePoint{};
  if (channel_ == nullptr || call_ == nullptr) return;
  if (!result.answered) result.answered = channel_->has_answered(call_, result.status);
  result.peer = channel_->peer(call_);
  bool reached = booked_ || !result.peer.empty();
  if (!result.status.ok()) reached = channel_->explain(result.status, reached) || booked_;
  if (reached) result.connection = connection_;
}

}  // namespace lgen
