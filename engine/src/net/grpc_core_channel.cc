#include "grpc_core_channel.h"

#include <fmt/format.h>
#include <grpc/support/alloc.h>

#include <algorithm>
#include <utility>

#include "grpc_stream_call.h"
#include "grpc_unary_call.h"
#include "lgen/units.h"
#include "loop_internal.h"

namespace lgen {
namespace {

constexpr std::size_t kFreeCalls = 1024;
constexpr std::string_view kProbe = "/lgen.Probe/WhyNotReady";

/// "ipv4:127.0.0.1:50051" and "ipv6:%5B::1%5D:50051" as people write them.
std::string readable_peer(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  if (colon != std::string_view::npos && (uri.starts_with("ipv4:") || uri.starts_with("ipv6:"))) {
    uri.remove_prefix(colon + 1);
  }
  std::string peer(uri);
  for (const auto& [code, character] : {std::pair("%5B", "["), {"%5D", "]"}, {"%25", "%"}}) {
    if (const auto at = peer.find(code); at != std::string::npos) peer.replace(at, 3, character);
  }
  return peer;
}

}  // namespace

GrpcCoreChannel::GrpcCoreChannel(Loop& loop, std::string target, const ChannelOptions& options, GrpcChannelArgs args)
    : loop_(loop),
      target_(std::move(target)),
      uri_(grpc_target_uri(target_)),
      args_(std::move(args)),
      one_peer_((options.lb.empty() || options.lb == "pick_first") && options.service_config.empty()),
      connectivity_(loop, [this](ChannelState next) { state_changed(next); }),
      failures_(loop, target_, options, [this] { state_changed(state()); }),
      turn_hook_(loop.add_turn_hook([this] { pump(); })) {
  grpc_init();
  completion_queue(loop);
  dial();
}

GrpcCoreChannel::~GrpcCoreChannel() {
  probe_.reset();
  close();
  loop_.remove_turn_hook(turn_hook_);
  for (ChannelCall* call = calls_; call != nullptr; call = call->next_) call->channel_ = nullptr;
  count_open(loop_, -static_cast<int>(open_calls_));
  for (WaitReady* waiter : waiters_) waiter->orphan();
  for (GrpcUnaryCall* call : free_) delete call;
  for (auto& [path, slice] : methods_) grpc_slice_unref(slice);
  grpc_shutdown();
}

void GrpcCoreChannel::dial() {
  channel_ = args_.dial(uri_, ++dials_);
  connectivity_.watch(channel_);
}

/// Calls that run keep their connection until they end.
void GrpcCoreChannel::hang_up() { grpc_channel_destroy(std::exchange(channel_, nullptr)); }

Op GrpcCoreChannel::unary(std::string_view method, std::string_view request, const CallOptions& options,
                          UnaryDone done) {
  GrpcUnaryCall* call = nullptr;
  if (free_.empty()) {
    call = new GrpcUnaryCall(*this);
  } else {
    call = free_.back();
    free_.pop_back();
  }
  return call->start(method, request, options, std::move(done));
}

std::unique_ptr<GrpcStream> GrpcCoreChannel::open(std::string_view method, MethodKind, const CallOptions& options,
                                                  StreamEvents& events) {
  auto* call = new GrpcStreamCall(*this, events);
  call->start(method, options);
  return std::make_unique<GrpcCoreStream>(*call);
}

void GrpcCoreChannel::connect() {
  if (channel_ != nullptr) grpc_channel_check_connectivity_state(channel_, 1);
}

Op GrpcCoreChannel::wait_ready(Deadline deadline, std::function<void(Outcome)> done) {
  auto* waiter = new WaitReady(loop_, *this, deadline, std::move(done));
  waiters_.insert(waiter);
  connect();
  if (state() == ChannelState::ready) waiter->finish_later(Done{});
  if (channel_ == nullptr || failures_.hopeless()) waiter->finish_later(not_ready());
  return Op(waiter);
}

void GrpcCoreChannel::reconnect() {
  if (channel_ == nullptr) return;
  connectivity_.watch(nullptr, ChannelState::idle);
  hang_up();
  dial();
  connect();
}

void GrpcCoreChannel::close() {
  if (channel_ == nullptr) return;
  for (ChannelCall* call = calls_; call != nullptr; call = call->next_) call->cancel_for("the channel was closed");
  connectivity_.watch(nullptr, ChannelState::shutdown);
  hang_up();
}

void GrpcCoreChannel::on_event(std::function<void(const ChannelEvent&)> listener) {
  connectivity_.on_event(std::move(listener));
}

grpc_call* GrpcCoreChannel::create_call(std::string_view method, TimePoint deadline) {
  if (channel_ == nullptr) return nullptr;
  auto path = methods_.find(method);
  if (path == methods_.end()) {
    path = methods_.emplace(method, grpc_slice_from_copied_buffer(method.data(), method.size())).first;
  }
  gpr_timespec limit = gpr_inf_future(GPR_CLOCK_MONOTONIC);
  if (deadline != kNever) {
    const auto ns = deadline.time_since_epoch().count();
    limit = {ns / 1'000'000'000, static_cast<int>(ns % 1'000'000'000), GPR_CLOCK_MONOTONIC};
  }
  return grpc_channel_create_call(channel_, nullptr, 0, completion_queue(loop_).cq(), path->second, nullptr, limit,
                                  nullptr);
}

void GrpcCoreChannel::enter(ChannelCall& call) {
  call.prev_ = nullptr;
  call.next_ = calls_;
  if (calls_ != nullptr) calls_->prev_ = &call;
  calls_ = &call;
  ++open_calls_;
  count_open(loop_, 1);
}

void GrpcCoreChannel::leave() {
  --open_calls_;
  count_open(loop_, -1);
}

void GrpcCoreChannel::unlink(ChannelCall& call) {
  (call.prev_ != nullptr ? call.prev_->next_ : calls_) = call.next_;
  if (call.next_ != nullptr) call.next_->prev_ = call.prev_;
  call.prev_ = call.next_ = nullptr;
}

void GrpcCoreChannel::forget(GrpcStreamCall& call) {
  if (call.to_pump_) std::erase(to_pump_, &call);
  leave();
  unlink(call);
}

std::string_view GrpcCoreChannel::peer(grpc_call* call) {
  char* text = grpc_call_get_peer(call);
  // Before it reaches anybody, a call names its channel's target as its peer.
  const std::string_view uri = text;
  std::string_view result;
  if (uri.starts_with("ipv4:") || uri.starts_with("ipv6:") || uri.starts_with("unix:")) {
    if (uri != uri_ || connections() > 0) result = *peers_.insert(readable_peer(uri)).first;
  }
  gpr_free(text);
  return result;
}

std::string_view GrpcCoreChannel::peer_of(grpc_call* call, std::uint64_t connection) {
  if (one_peer_ && connection != 0 && connection == peer_connection_ && state() == ChannelState::ready) return peer_;
  const std::string_view found = peer(call);
  if (!found.empty()) {
    peer_ = found;
    peer_connection_ = connection;
  }
  return found;
}

bool GrpcCoreChannel::has_answered(grpc_call* call, const GrpcStatus& status) {
  return !peer(call).empty() && !is_foreign_answer(status);
}

bool GrpcCoreChannel::explain(GrpcStatus& status, bool reached) {
  if (failures_.explain_answer(status)) return true;
  if (!reached) failures_.explain_connection(status);
  return reached;
}

void GrpcCoreChannel::recycle(GrpcUnaryCall* call) {
  unlink(*call);
  if (free_.size() < kFreeCalls) {
    free_.push_back(call);
  } else {
    delete call;
  }
}

void GrpcCoreChannel::pump_later(GrpcStreamCall& call) {
  if (std::exchange(call.to_pump_, true)) return;
  to_pump_.push_back(&call);
}

void GrpcCoreChannel::pump() {
  for (GrpcStreamCall* call : to_pump_) {
    call->to_pump_ = false;
    call->pump();
  }
  to_pump_.clear();
}

void GrpcCoreChannel::state_changed(ChannelState next) {
  if (next == ChannelState::transient_failure) learn_reason();
  for (WaitReady* waiter : waiters_) {
    if (next == ChannelState::ready) waiter->finish_later(Done{});
    if (next == ChannelState::shutdown || failures_.hopeless()) waiter->finish_later(not_ready());
  }
}

/// gRPC tells the cause of a failed connection only to calls. One that is sent while there is no connection fails at
/// once and reaches nobody.
void GrpcCoreChannel::learn_reason() {
  if (channel_ == nullptr) return;
  CallOptions options;
  options.timeout = std::chrono::seconds(1);
  probe_ = unary(kProbe, {}, options, [this](const UnaryResult&) {
    if (failures_.last()) connectivity_.set_reason(failures_.last()->message);
  });
}

Error GrpcCoreChannel::not_ready() const {
  if (channel_ == nullptr) return make_error(ErrorCode::closed, target_ + ": the channel is closed");
  if (failures_.last()) return *failures_.last();
  return make_error(ErrorCode::timeout, fmt::format("{} is not ready in time; its channel is {}", target_,
                                                    to_string(connectivity_.state())));
}

Result<std::unique_ptr<GrpcChannel>> make_grpc_core_channel(Loop& loop, const std::string& target,
                                                            const ChannelOptions& options) {
  auto args = GrpcChannelArgs::make(options);
  if (!args) return Error{args.error().code, target + ": " + args.error().message};
  return std::unique_ptr<GrpcChannel>(
      std::make_unique<GrpcCoreChannel>(loop, target, options, std::move(args).value()));
}

}  // namespace lgen
