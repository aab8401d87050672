// The state of one gRPC channel over time: numbers its connections and tells a GOAWAY from a lost connection.
//
// gRPC says only "the state is no longer the one you saw", late, and never "GOAWAY". So:
// - a connection is an entry into READY; its number is decided when a stream on it has been sent (connection()), asking
//   gRPC for the state when the watch has not caught up, lest a stream on a new connection is booked on the old one;
// - READY that was left and entered again between two looks counts as left and entered;
// - READY left for IDLE or CONNECTING is a GOAWAY (inferred) when a stream of that connection outlives it, else the
//   connection was closed. That takes a moment to know: events wait for it, in order, at most kOutlive after the last
//   stream of that connection has ended.
// Thread: the loop's. Listeners are called from timers only, never inside a call on this object.
#pragma once

#include <grpc/grpc.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "lgen/grpc.h"
#include "lgen/loop.h"

namespace lgen {

class GrpcConnectivity {
 public:
  /// `changed` is called at once, from wherever the change was seen: for bookkeeping, not for plans.
  GrpcConnectivity(Loop& loop, std::function<void(ChannelState)> changed);
  ~GrpcConnectivity();
  GrpcConnectivity(const GrpcConnectivity&) = delete;
  GrpcConnectivity& operator=(const GrpcConnectivity&) = delete;

  /// Starts watching; nullptr: stops, `left` is the state to end in.
  void watch(grpc_channel* channel, ChannelState left = ChannelState::shutdown);

  ChannelState state() const { return state_; }
  std::uint64_t connections() const { return connections_; }
  /// When the newest of them was made.
  TimePoint connected_at() const { return connected_at_; }
  /// The connection something that has just been sent went out on.
  std::uint64_t connection();

  void stream_sent(std::uint64_t connection) { ++streams_[connection]; }
  void stream_ended(std::uint64_t connection, bool ok);

  /// Why the last attempt failed, for the events to come.
  void set_reason(std::string reason) { reason_ = std::move(reason); }
  void on_event(std::function<void(const ChannelEvent&)> listener);

 private:
  struct Watch;
  void look_again(grpc_connectivity_state seen);
  void changed_from(grpc_connectivity_state seen);
  void catch_up();
  void move_to(ChannelState next);
  void leave_connection(ChannelEvent& event);
  void judge();
  void decide(Goaway goaway);
  void deliver();

  Loop& loop_;
  std::function<void(ChannelState)> changed_;
  std::function<void(const ChannelEvent&)> listener_;
  grpc_channel* channel_ = nullptr;
  Watch* watch_ = nullptr;
  ChannelState state_ = ChannelState::idle;
  std::uint64_t connections_ = 0;
  TimePoint connected_at_{};
  std::map<std::uint64_t, std::size_t> streams_;  // open, by connection
  std::string reason_;

  std::deque<ChannelEvent> events_;  // not yet delivered, oldest first
  bool judging_ = false;             // the oldest waits for its GOAWAY or not
  std::size_t streams_seen_ = 0;     // open on its connection at the last look
  Timer timer_;
};

}  // namespace lgen
