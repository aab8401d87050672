#include "grpc_connectivity.h"

#include <utility>

#include "loop_internal.h"

namespace lgen {
namespace {

constexpr Duration kOutlive = std::chrono::milliseconds(20);

ChannelState from_core(grpc_connectivity_state state) {
  switch (state) {
    case GRPC_CHANNEL_IDLE:
      return ChannelState::idle;
    case GRPC_CHANNEL_CONNECTING:
      return ChannelState::connecting;
    case GRPC_CHANNEL_READY:
      return ChannelState::ready;
    case GRPC_CHANNEL_TRANSIENT_FAILURE:
      return ChannelState::transient_failure;
    case GRPC_CHANNEL_SHUTDOWN:
      break;
  }
  return ChannelState::shutdown;
}

}  // namespace

/// One wait for "the state is no longer `seen`". It outlives its channel: gRPC hands it back when it likes.
struct GrpcConnectivity::Watch final : CoreTag {
  Watch(Loop& on, GrpcConnectivity* for_whom, grpc_connectivity_state from) : loop(on), owner(for_whom), seen(from) {
    count_open(loop, 1);
  }
  void complete(bool) override {
    count_open(loop, -1);
    GrpcConnectivity* const to = owner;
    const grpc_connectivity_state from = seen;
    delete this;
    if (to != nullptr) to->changed_from(from);
  }
  Loop& loop;
  GrpcConnectivity* owner;
  grpc_connectivity_state seen;
};

GrpcConnectivity::GrpcConnectivity(Loop& loop, std::function<void(ChannelState)> changed)
    : loop_(loop), changed_(std::move(changed)), timer_(loop, [this] { judging_ ? judge() : deliver(); }) {}

GrpcConnectivity::~GrpcConnectivity() {
  if (watch_ != nullptr) watch_->owner = nullptr;
}

void GrpcConnectivity::watch(grpc_channel* channel, ChannelState left) {
  if (watch_ != nullptr) std::exchange(watch_, nullptr)->owner = nullptr;
  channel_ = channel;
  if (channel == nullptr) return move_to(left);
  look_again(grpc_channel_check_connectivity_state(channel, 0));
}

void GrpcConnectivity::look_again(grpc_connectivity_state seen) {
  move_to(from_core(seen));
  watch_ = new Watch(loop_, this, seen);
  grpc_channel_watch_connectivity_state(channel_, seen, gpr_inf_future(GPR_CLOCK_MONOTONIC),
                                        completion_queue(loop_).cq(), watch_->as_core_tag());
}

void GrpcConnectivity::changed_from(grpc_connectivity_state seen) {
  watch_ = nullptr;
  const grpc_connectivity_state now = grpc_channel_check_connectivity_state(channel_, 0);
  const bool as_known = from_core(seen) == state_;
  if (as_known && now == GRPC_CHANNEL_READY && seen == GRPC_CHANNEL_READY) move_to(ChannelState::connecting);
  // Only a connection that was READY in between goes from CONNECTING straight to IDLE.
  if (as_known && now == GRPC_CHANNEL_IDLE && seen == GRPC_CHANNEL_CONNECTING) move_to(ChannelState::ready);
  look_again(now);
}

void GrpcConnectivity::catch_up() {
  if (channel_ != nullptr) move_to(from_core(grpc_channel_check_connectivity_state(channel_, 0)));
}

std::uint64_t GrpcConnectivity::connection() {
  if (state_ != ChannelState::ready) catch_up();
  return connections_;
}

void GrpcConnectivity::move_to(ChannelState next) {
  if (next == state_) return;
  ChannelEvent event;
  event.prev = std::exchange(state_, next);
  event.state = next;
  event.at = loop_.precise_now();
  if (next == ChannelState::ready) {
    ++connections_;
    connected_at_ = event.at;
    reason_.clear();
  }
  event.connection = connections_;
  if (event.prev == ChannelState::ready) leave_connection(event);
  const bool waiting = !events_.empty();
  events_.push_back(std::move(event));
  if (!waiting) timer_.arm(events_.front().at);
  if (changed_) changed_(next);
}

void GrpcConnectivity::leave_connection(ChannelEvent& event) {
  const bool open = streams_.contains(event.connection);
  const bool may_be_goaway = event.state == ChannelState::idle || event.state == ChannelState::connecting;
  event.reason = channel_ == nullptr ? kLeftByUs : "closed";
  if (channel_ != nullptr && open && may_be_goaway) event.reason.clear();  // to be judged
}

void GrpcConnectivity::stream_ended(std::uint64_t connection, bool ok) {
  const auto found = streams_.find(connection);
  if (found == streams_.end()) return;
  if (--found->second == 0) streams_.erase(found);
  if (!judging_ || events_.front().connection != connection) return;
  if (ok) {
    decide(Goaway::inferred);  // it has outlived READY: a lost connection lets no stream end well
  } else if (!streams_.contains(connection)) {
    decide(Goaway::no);
  }
}

/// The streams of a lost connection end together; as long as they are ending, wait.
void GrpcConnectivity::judge() {
  const auto found = streams_.find(events_.front().connection);
  if (found == streams_.end()) return decide(Goaway::no);
  if (found->second == streams_seen_) return decide(Goaway::inferred);
  streams_seen_ = found->second;
  timer_.arm(loop_.precise_now() + kOutlive);
}

void GrpcConnectivity::decide(Goaway goaway) {
  judging_ = false;
  events_.front().goaway = goaway;
  events_.front().reason = goaway == Goaway::no ? "closed" : "GOAWAY (inferred: its streams live on)";
  timer_.arm(loop_.now());
}

void GrpcConnectivity::deliver() {
  while (!events_.empty()) {
    ChannelEvent& front = events_.front();
    if (front.prev == ChannelState::ready && front.reason.empty()) {
      judging_ = true;
      const auto found = streams_.find(front.connection);
      streams_seen_ = found == streams_.end() ? 0 : found->second;
      timer_.arm(front.at + kOutlive);
      return;
    }
    if (front.state == ChannelState::transient_failure && front.reason.empty()) front.reason = reason_;
    const ChannelEvent event = std::move(front);
    events_.pop_front();
    if (listener_) {
      const auto listener = listener_;  // it may set another
      listener(event);
    }
  }
}

void GrpcConnectivity::on_event(std::function<void(const ChannelEvent&)> listener) { listener_ = std::move(listener); }

}  // namespace lgen
