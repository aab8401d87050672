// A channel of gRPC core as a GrpcChannel: its calls, its state, its reasons for failing.
// Thread: the loop's.
// Lifetime: calls still open when the channel is destroyed are cancelled; they end on their own later, without it.
#pragma once

#include <grpc/grpc.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "grpc_batch.h"
#include "grpc_channel_args.h"
#include "grpc_connectivity.h"
#include "grpc_failure.h"
#include "lgen/grpc.h"
#include "wait_ready.h"

namespace lgen {

class GrpcCoreChannel;
class GrpcStreamCall;
class GrpcUnaryCall;

/// A call or stream as its channel sees it: a link in the list of what is open.
class ChannelCall {
 public:
  virtual ~ChannelCall() = default;
  virtual void cancel_for(const char* reason) = 0;

  /// gRPC tells the server of the deadline but, asked so by the channel's arguments, does not watch over it.
  static TimePoint deadline_of(TimePoint start, const std::optional<Duration>& timeout) {
    return timeout && *timeout < kNever - start ? start + *timeout : kNever;
  }
  static void exceed_deadline(grpc_call* call) {
    grpc_call_cancel_with_status(call, GRPC_STATUS_DEADLINE_EXCEEDED, "Deadline Exceeded", nullptr);
  }

 protected:
  explicit ChannelCall(GrpcCoreChannel* channel) : channel_(channel) {}

  GrpcCoreChannel* channel_;  // nullptr once the channel is gone

 private:
  friend class GrpcCoreChannel;
  ChannelCall* prev_ = nullptr;
  ChannelCall* next_ = nullptr;
};

class GrpcCoreChannel final : public GrpcChannel, private WaitReadyHost {
 public:
  GrpcCoreChannel(Loop& loop, std::string target, const ChannelOptions& options, GrpcChannelArgs args);
  ~GrpcCoreChannel();

  Op unary(std::string_view method, std::string_view request, const CallOptions& options, UnaryDone done) override;
  std::unique_ptr<GrpcStream> open(std::string_view method, MethodKind kind, const CallOptions& options,
                                   StreamEvents& events) override;
  ChannelState state() const override { return connectivity_.state(); }
  void connect() override;
  Op wait_ready(Deadline deadline, std::function<void(Outcome)> done) override;
  void reconnect() override;
  void close() override;
  std::uint64_t connections() const override { return connectivity_.connections(); }
  TimePoint connected_at() const override { return connectivity_.connected_at(); }
  std::size_t open_calls() const override { return open_calls_; }
  const std::string& target() const override { return target_; }
  void on_event(std::function<void(const ChannelEvent&)> listener) override;

  // For its calls.
  Loop& loop() const { return loop_; }
  GrpcConnectivity& connectivity() { return connectivity_; }
  /// nullptr: the channel is closed.
  grpc_call* create_call(std::string_view method, TimePoint deadline);
  SendMetadata& send_metadata() { return send_metadata_; }
  void enter(ChannelCall& call);
  /// A call is over, though its owner may still hold it.
  void leave();
  /// A stream that is over for good.
  void forget(GrpcStreamCall& call);
  /// "127.0.0.1:50051" of whoever answered; empty when nobody was reached.
  std::string_view peer(grpc_call* call);
  /// The same, looked up once a connection where a connection has but one peer.
  std::string_view peer_of(grpc_call* call, std::uint64_t connection);
  /// Whether a failed call was answered by a gRPC server, not by a proxy on its behalf or by nobody.
  bool has_answered(grpc_call* call, const GrpcStatus& status);
  /// Puts a failure into words and remembers a failed connection as the channel's last connect error. `reached`: the
  /// call has a peer. Returns whether somebody has answered, be it a server without gRPC, for which no peer is named.
  bool explain(GrpcStatus& status, bool reached);
  /// Takes back a call that is over and held by nobody.
  void recycle(GrpcUnaryCall* call);
  void pump_later(GrpcStreamCall& call);

 private:
  void stop_waiting(WaitReady& waiter) override { waiters_.erase(&waiter); }
  Error not_ready() const override;
  void dial();
  void hang_up();
  void unlink(ChannelCall& call);
  void pump();
  void state_changed(ChannelState next);
  void learn_reason();

  Loop& loop_;
  const std::string target_;
  const std::string uri_;  // of the target, as gRPC wants it
  GrpcChannelArgs args_;
  const bool one_peer_;  // pick_first: every call of a connection has the same peer
  GrpcConnectivity connectivity_;
  GrpcFailures failures_;
  grpc_channel* channel_ = nullptr;  // nullptr: closed
  std::uint64_t dials_ = 0;

  std::map<std::string, grpc_slice, std::less<>> methods_;  // the paths called so far, as gRPC wants them
  SendMetadata send_metadata_;
  ChannelCall* calls_ = nullptr;  // open, or over but still held
  std::size_t open_calls_ = 0;
  std::vector<GrpcUnaryCall*> free_;
  std::vector<GrpcStreamCall*> to_pump_;
  std::set<WaitReady*> waiters_;
  Op probe_;

  std::set<std::string, std::less<>> peers_;
  std::string_view peer_;  // of connection peer_connection_
  std::uint64_t peer_connection_ = 0;
  std::size_t turn_hook_;
};

}  // namespace lgen
