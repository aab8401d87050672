#include "grpc_unary_call.h"

#include <grpc/byte_buffer.h>

#include <array>
#include <string>
#include <utility>

namespace lgen {

GrpcUnaryCall::~GrpcUnaryCall() { clear(); }

Op GrpcUnaryCall::start(std::string_view method, std::string_view request, const CallOptions& options, UnaryDone done) {
  done_ = std::move(done);
  running_ = true;
  dropped_ = false;
  timing_ = Timing{};
  timing_.started = channel_->loop().precise_now();
  timing_.intended = options.intended == TimePoint{} ? timing_.started : options.intended;
  channel_->enter(*this);
  const TimePoint deadline = deadline_of(timing_.started, options.timeout);
  call_ = channel_->create_call(method, deadline);
  std::string_view bad_key;
  if (call_ == nullptr) {
    fail_later(GrpcCode::cancelled, "the channel is closed");
  } else if (!start_batch(request, options, bad_key)) {
    fail_later(GrpcCode::internal, "metadata '" + std::string(bad_key) + "': not a header HTTP/2 can carry");
  } else if (deadline != kNever) {
    deadline_.arm(deadline);
  }
  return Op(this);
}

bool GrpcUnaryCall::start_batch(std::string_view request, const CallOptions& options, std::string_view& bad_key) {
  SendMetadata& metadata = channel_->send_metadata();
  if (!metadata.assign(options.metadata, options.compression, bad_key)) return false;
  request_.assign(grpc_slice_from_copied_buffer(request.data(), request.size()));
  std::array<grpc_op, 6> ops{};
  ops[0] = metadata.op(options.wait_for_ready);
  ops[1].op = GRPC_OP_SEND_MESSAGE;
  ops[1].data.send_message.send_message = request_.get();
  ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
  ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
  ops[3].data.recv_initial_metadata.recv_initial_metadata = headers_.array();
  ops[4].op = GRPC_OP_RECV_MESSAGE;
  ops[4].data.recv_message.recv_message = &reply_;
  ops[5] = status_.op();
  const grpc_call_error error = grpc_call_start_batch(call_, ops.data(), ops.size(), as_core_tag(), nullptr);
  metadata.clear();
  timing_.sent = channel_->loop().precise_now();
  return error == GRPC_CALL_OK;
}

/// Nothing was started: the completion comes from the loop instead of the queue.
void GrpcUnaryCall::fail_later(GrpcCode code, std::string message) {
  status_.code = static_cast<int>(code);
  status_.message = grpc_slice_from_copied_buffer(message.data(), message.size());
  channel_->loop().post([this] { complete(true); });
}

void GrpcUnaryCall::cancel() noexcept { cancel_for("cancelled by the caller"); }

void GrpcUnaryCall::cancel_for(const char* reason) {
  if (running_ && call_ != nullptr) grpc_call_cancel_with_status(call_, GRPC_STATUS_CANCELLED, reason, nullptr);
}

void GrpcUnaryCall::drop() noexcept {
  dropped_ = true;
  if (delivering_) return;
  if (!running_) return let_go();
  done_ = nullptr;
  cancel_for("dropped by the caller");
}

void GrpcUnaryCall::complete(bool) {
  running_ = false;
  deadline_.disarm();
  UnaryResult result;
  if (done_) fill(result);
  if (channel_ != nullptr) channel_->leave();
  if (done_) deliver(result);
  clear();
  if (dropped_) let_go();
}

void GrpcUnaryCall::fill(UnaryResult& result) {
  timing_.done = Monotonic::now();
  result.status = status_.to_status();
  headers_.view_into(headers_view_);
  status_.trailers.view_into(trailers_view_);
  result.headers = &headers_view_;
  result.trailers = &trailers_view_;
  result.answered = result.status.ok() || !headers_view_.empty() || !trailers_view_.empty();
  if (result.status.ok()) take_reply(result);
  if (channel_ != nullptr && call_ != nullptr) locate(result);
  result.timing = timing_;
}

/// gRPC leaves it to us to notice that a call that ended well has no reply, or only the beginning of one.
void GrpcUnaryCall::take_reply(UnaryResult& result) {
  if (reply_ != nullptr) {
    result.reply = flatten(reply_, flat_reply_);
  } else {
    result.status = {GrpcCode::internal, "the status is OK, but there is no whole reply", ""};
  }
}

/// gRPC has refused to send it: it has a peer, and yet never left.
static bool is_kept_back(const UnaryResult& result) {
  return !result.answered && result.status.code == GrpcCode::resource_exhausted &&
         result.status.message.starts_with("Sent message larger than max");
}

/// gRPC names the peer of an answer only. What ran out of time on a living connection is there, unanswered.
static bool is_waited_for(const UnaryResult& result, std::uint64_t connection, ChannelState state) {
  const GrpcCode code = result.status.code;
  return connection != 0 && state == ChannelState::ready &&
         (code == GrpcCode::deadline_exceeded || code == GrpcCode::cancelled);
}

/// Who answered, over which connection.
void GrpcUnaryCall::locate(UnaryResult& result) {
  if (!result.answered) result.answered = channel_->has_answered(call_, result.status);
  const std::uint64_t connection = channel_->connectivity().connection();
  result.peer = channel_->peer_of(call_, connection);
  bool reached =
      (!result.peer.empty() && !is_kept_back(result)) || is_waited_for(result, connection, channel_->state());
  if (!result.status.ok()) reached = channel_->explain(result.status, reached);
  if (reached) {
    result.connection = connection;
  } else {
    result.peer = {};
  }
}

void GrpcUnaryCall::deliver(const UnaryResult& result) {
  delivering_ = true;
  done_(result);
  delivering_ = false;
}

void GrpcUnaryCall::clear() {
  done_ = nullptr;
  request_.clear();
  if (reply_ != nullptr) grpc_byte_buffer_destroy(std::exchange(reply_, nullptr));
  headers_.reset();
  status_.reset();
  if (call_ != nullptr) grpc_call_unref(std::exchange(call_, nullptr));
}

void GrpcUnaryCall::let_go() {
  if (channel_ != nullptr) {
    channel_->recycle(this);
  } else {
    delete this;
  }
}

}  // namespace lgen
