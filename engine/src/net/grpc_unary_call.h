// One unary call of gRPC core: six operations in one batch, so one completion; its object is used again and again.
// Thread: the loop's.
// Lifetime: given back to its channel (or freed) when both the call is over and its Op is dropped.
#pragma once

#include <grpc/grpc.h>

#include <optional>
#include <string>
#include <string_view>

#include "grpc_batch.h"
#include "grpc_core_channel.h"
#include "lgen/grpc.h"
#include "lgen/op.h"
#include "loop_internal.h"

namespace lgen {

class GrpcUnaryCall final : public Operation, public CoreTag, public ChannelCall {
 public:
  explicit GrpcUnaryCall(GrpcCoreChannel& channel)
      : ChannelCall(&channel), deadline_(channel.loop(), [this] { exceed_deadline(call_); }) {}
  ~GrpcUnaryCall() override;

  Op start(std::string_view method, std::string_view request, const CallOptions& options, UnaryDone done);

  void cancel() noexcept override;
  void drop() noexcept override;
  void complete(bool ok) override;
  void cancel_for(const char* reason) override;

 private:
  bool start_batch(std::string_view request, const CallOptions& options, std::string_view& bad_key);
  void fail_later(GrpcCode code, std::string message);
  void fill(UnaryResult& result);
  void take_reply(UnaryResult& result);
  void locate(UnaryResult& result);
  void deliver(const UnaryResult& result);
  void clear();
  void let_go();

  grpc_call* call_ = nullptr;
  UnaryDone done_;
  Timing timing_;
  Timer deadline_;  // armed while running, if there is a timeout
  bool running_ = false;
  bool delivering_ = false;
  bool dropped_ = false;

  SendBuffer request_;
  grpc_byte_buffer* reply_ = nullptr;
  std::string flat_reply_;  // of a reply that came in pieces
  ReceivedMetadata headers_;
  ReceivedStatus status_;
  MetadataView headers_view_;
  MetadataView trailers_view_;
};

}  // namespace lgen
