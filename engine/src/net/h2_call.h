// What unary calls and streams of an `h2` channel have in common: waiting for a connection and a free stream on it, the
// deadline, reading the answer's headers, and how it all ended.
//
// Frames are only noted while they are parsed; tell() acts on them afterwards, when anything may be destroyed.
// Thread: the loop's.
// Lifetime: its channel's, or orphaned by it: then it ends as cancelled in a later turn.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "grpc_answer.h"
#include "grpc_wire.h"
#include "h2_stream.h"
#include "hook_list.h"
#include "lgen/grpc.h"
#include "lgen/loop.h"

namespace lgen {

class H2Channel;

struct OpenCalls;     // tags of the channel's lists: all calls; those that have ended, but are held, in a list apart
struct WaitingCalls;  // those that wait for a connection or a free stream
struct NotedCalls;    // those with something to tell

class H2Call : public H2Stream, public ListHook<OpenCalls>, public ListHook<WaitingCalls>, public ListHook<NotedCalls> {
 public:
  /// What to open it with, when its turn comes.
  struct Request {
    const std::string* path = nullptr;
    std::optional<Duration> timeout;
    Compression compression = Compression::none;
    const Metadata* metadata = nullptr;  // the caller's; while it waits, ours
    bool wait_for_ready = false;
  };
  /// Of one that waits.
  const Request& request() const { return rare_->request; }
  TimePoint started() const { return timing_.started; }
  bool waited() const { return waited_; }
  std::uint64_t connection() const { return connection_; }

  /// It has to wait: keeps what to open it with.
  void keep_request(const Request& request);
  /// Submitted on a connection.
  void sent_on(std::uint64_t connection, std::string_view peer, TimePoint now);
  /// Ends it from our side, unless it is over already. tell() follows in a later turn.
  void end(GrpcCode code, std::string message);
  /// The channel goes away: it ends as cancelled in a later turn.
  void orphan(Loop& loop);
  /// The same for one that has been told its end.
  void forget_channel();
  /// Acts on what was noted; may destroy this.
  virtual void tell() = 0;

 protected:
  explicit H2Call(H2Channel& channel) : channel_(&channel) {}
  ~H2Call() override;

  enum class End : std::uint8_t { none, clean, reset, lost, ours };

  /// Stamps, checks and submits it, or lets it wait, or ends it. `size`: of a unary call's request.
  void begin(std::string_view method, const CallOptions& options, std::size_t size);
  bool over() const { return end_ != End::none; }
  /// By trailers, not by a reset, a lost connection or us.
  bool ended_well() const { return end_ == End::clean; }
  /// tell() follows.
  void note();
  /// The H2 stream, the timer and the channel's lists have nothing more to do with it.
  void settle();
  /// Everything for another use.
  void clear();
  GrpcStatus make_status();
  bool too_large_to_send(std::size_t size);
  void refuse_large(std::uint64_t size);
  /// The message itself, unpacked into `scratch` if it came packed; nothing: `status` says why.
  std::optional<std::string_view> unpacked(const MessageAssembly::Message& message, std::string& scratch,
                                           GrpcStatus& status);
  GrpcStatus larger_than_max(std::uint64_t size) const;
  template <class R>
  void fill(R& result);

  void on_sent(TimePoint at) final;
  void on_headers(H2Block& block, bool end) final;
  void on_end() final;
  void on_closed(std::uint32_t code) final;
  void on_lost(const Error& error) final;
  void on_stall() final { ++stalls_; }
  virtual void headers_came() {}

  H2Channel* channel_;  // nullptr once it is gone
  GrpcAnswer answer_;
  Timing timing_;
  std::string_view peer_;
  std::uint64_t connection_ = 0;
  std::uint64_t unconsumed_ = 0;  // bytes received that the peer does not know to be used

 private:
  /// What most calls never need, so that those that are held stay small.
  struct Rare {
    Request request;  // of one that waits
    Metadata metadata;
    std::string why;                    // of End::lost and ours
    std::shared_ptr<H2Call*> orphaned;  // nullptr inside once destroyed
  };
  Rare& rare();
  void out_of_time();
  void unfinished_trailers();
  void over_now(End end);
  GrpcStatus reset_status() const;
  GrpcStatus foreign_status() const;

  std::unique_ptr<Rare> rare_;
  std::unique_ptr<Timer> deadline_;
  Duration queued_{0};
  GrpcCode our_code_ = GrpcCode::ok;
  std::uint32_t reset_code_ = 0;
  std::uint32_t stalls_ = 0;
  bool waited_ = false;
  bool open_ = false;  // counted by the channel
  End end_ = End::none;
};

template <class R>
void H2Call::fill(R& result) {
  result.status = make_status();
  result.timing = timing_;
  result.peer = peer_;
  result.connection = connection_;
  result.answered = answer_.begun() && !answer_.foreign();
  result.queued = queued_;
  result.stalls = stalls_;
}

}  // namespace lgen
