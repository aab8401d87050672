// A channel of our own HTTP/2 client: exactly one connection for new calls, and old ones until their streams end.
//
// IDLE until it is wanted; CONNECTING; READY once the peer's SETTINGS are there. A connection that ends or says GOAWAY
// leaves READY for IDLE, as gRPC's pick_first does, and the next call, or one that waits already, dials again. A failed
// attempt is TRANSIENT_FAILURE: calls fail at once unless they wait for ready, and after a pause that grows by 1.6 and
// varies by a fifth it dials again.
// Thread: the loop's. Callers hear of everything from timers or from what came off the wire, never inside their calls.
// Lifetime: calls still open when the channel is destroyed end as cancelled, without it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "grpc_request.h"
#include "h2_link.h"
#include "h2_target.h"
#include "h2_unary_call.h"
#include "hook_list.h"
#include "lgen/grpc.h"
#include "wait_ready.h"

namespace lgen {

class H2Channel final : public GrpcChannel, private H2Link::Events, private WaitReadyHost {
 public:
  H2Channel(Loop& loop, std::string target, H2Target where, const ChannelOptions& options,
            std::shared_ptr<TlsContext> tls);
  ~H2Channel() override;

  Op unary(std::string_view method, std::string_view request, const CallOptions& options, UnaryDone done) override;
  std::unique_ptr<GrpcStream> open(std::string_view method, MethodKind kind, const CallOptions& options,
                                   StreamEvents& events) override;
  ChannelState state() const override { return state_; }
  void connect() override;
  Op wait_ready(Deadline deadline, std::function<void(Outcome)> done) override;
  void reconnect() override;
  void close() override;
  std::uint64_t connections() const override { return connections_; }
  TimePoint connected_at() const override { return connected_at_; }
  std::size_t open_calls() const override { return open_calls_; }
  const std::string& target() const override { return target_; }
  void on_event(std::function<void(const ChannelEvent&)> listener) override { listener_ = std::move(listener); }

  /// For tests: the first connection's identifiers begin here, where they are about to run out.
  void begin_at(std::int32_t stream) { first_stream_ = stream; }

  // For its calls.
  Loop& loop() const { return loop_; }
  const ChannelOptions& options() const { return options_; }
  const std::string& address() const { return where_.address; }
  const std::string* path(std::string_view method) { return &request_.path(method); }
  void enter(H2Call& call);
  /// It is over, though its owner may still hold it.
  void leave(H2Call& call);
  /// Sends it, lets it wait or ends it.
  void submit(H2Call& call, const H2Call::Request& request);
  /// tell() follows.
  void note(H2Call& call);
  /// Takes back a call that is over and held by nobody.
  void recycle(H2UnaryCall* call);
  /// A message as it goes into a body, packed if the call or the channel says so; frame() begins a new body.
  void append(std::string& body, std::string_view message, std::optional<Compression> compression);
  void frame(std::string& body, std::string_view message, std::optional<Compression> compression) {
    body.clear();
    append(body, message, compression);
  }
  /// Send buffers for streams that have something to send.
  void lend(std::string& buffer);
  void give_back(std::string buffer);
  bool refused_by_goaway(std::uint64_t connection, std::int32_t stream) const;
  /// What the calls that wait wait for, to tell them.
  std::string obstacle() const;

 private:
  void link_news(H2Link& link) override;
  void stop_waiting(WaitReady& waiter) override { waiters_.erase(&waiter); }
  Error not_ready() const override;

  void dial();
  void accept();
  void attempt_failed();
  void retire(std::unique_ptr<H2Link> link);
  void drop_retired();
  Error why_failed(H2Link& link) const;
  Error explained(const Error& error) const;
  void move_to(ChannelState next, std::string reason = {}, Goaway goaway = Goaway::no);
  void leave_ready(std::string reason, Goaway goaway);
  void wake_waiters();
  void send_waiting();
  void send(H2Call& call, const H2Call::Request& request);
  bool can_send() const;
  void tell_soon();
  void tell();
  void tell_events();
  void idle_changed();
  void go_idle();
  void end_all(const char* why);

  Loop& loop_;
  const std::string target_;
  const H2Target where_;
  const ChannelOptions options_;
  std::shared_ptr<NetContext> context_;
  std::shared_ptr<TlsContext> tls_;
  GrpcRequest request_;

  ChannelState state_ = ChannelState::idle;
  std::unique_ptr<H2Link> link_;                  // being made, or for new calls
  std::vector<std::unique_ptr<H2Link>> retired_;  // until their streams end
  std::uint64_t connections_ = 0;
  TimePoint connected_at_{};
  std::int32_t first_stream_ = 1;    // of the next connection
  std::optional<Error> last_error_;  // of the last attempt, if it failed
  Duration pause_{0};                // before the attempt after the next failure
  TimePoint dialled_at_{};
  std::minstd_rand random_;
  Timer retry_;
  Timer idle_;
  Timer tell_;

  HookList<H2Call, OpenCalls> calls_;
  HookList<H2Call, OpenCalls> held_;  // those that are over
  HookList<H2Call, WaitingCalls> waiting_;
  HookList<H2Call, NotedCalls> noted_;
  std::size_t open_calls_ = 0;
  std::vector<H2UnaryCall*> free_;
  std::vector<std::string> buffers_;
  std::set<WaitReady*> waiters_;
  std::set<std::string, std::less<>> peers_;
  std::string_view peer_;  // of link_
  std::string packed_;

  std::function<void(const ChannelEvent&)> listener_;
  std::deque<ChannelEvent> events_;  // not yet told
  bool* destroyed_ = nullptr;        // set while others are told
};

}  // namespace lgen
