// A stream as a plan has it: sending that waits for room, receiving with one message read ahead, an orderly end.
//
// While nobody receives, one message is read ahead and no more, so that the server feels a slow plan; and the end of a
// stream is noticed even when the plan only sends. Messages are decoded when they are handed over.
// Thread: the loop's.
// Lifetime: counted: the plan's handle holds one reference, the transport another until on_done. A task that ends
// cancels the streams it has left open.
#pragma once

#include <cstdint>
#include <lua.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "few.h"
#include "grpc_channel.h"
#include "grpc_correlate.h"
#include "grpc_stream_wait.h"
#include "lgen/grpc.h"
#include "stack.h"
#include "task.h"

namespace lgen::lua {

struct GrpcState;

class LuaStream final : public StreamEvents, public TaskResource {
 public:
  LuaStream(GrpcState& state, Task& owner, Rc<PlanChannel> channel, const MethodInfo& method, CallSite& site,
            bool decode, std::unique_ptr<StreamCorrelation> correlation);
  ~LuaStream();
  LuaStream(const LuaStream&) = delete;
  LuaStream& operator=(const LuaStream&) = delete;

  void open(CallOptions options);
  void retain() { ++references_; }
  void release() {
    if (--references_ == 0) delete this;
  }

  // What plans do; these push results or wait.
  /// `message`: what lies at stack index 2, encoded.
  int send(lua_State* L, std::string_view message);
  int receive(lua_State* L, StreamWait::For what, std::optional<Duration> timeout);
  int close(lua_State* L, std::optional<Duration> timeout);
  int backend(lua_State* L, std::optional<Duration> timeout);
  void half_close();
  void cancel(std::string_view reason);

  /// A loop of ours holds it: when that is left, it is cancelled and has not leaked.
  void attend() { attended_ = true; }
  bool attended() const { return attended_; }

  // What plans read.
  bool done() const { return done_; }
  bool half_closed() const { return half_closed_; }
  std::uint64_t id() const { return id_; }
  const PlanChannel& channel() const { return *channel_; }
  const MethodInfo& method() const { return method_; }
  std::uint64_t sent() const { return done_ ? ending_->written : wire_->accepted(); }
  std::uint64_t received() const { return done_ ? ending_->received : wire_->received(); }
  /// "main[1]#2", empty until it has left.
  std::string connection() const { return channel_->link->connection_name(done_ ? connection_ : wire_->connection()); }
  bool has_headers() const { return has_headers_; }
  std::string_view headers() const { return headers_ ? *headers_ : std::string_view(); }          // packed
  std::string_view trailers() const { return ending_ ? ending_->trailers : std::string_view(); }  // packed
  void push_end_status(lua_State* L) const;

  // Waits that end without the stream's doing.
  void forget(StreamWait& wait);
  int push_timeout(lua_State* L, const StreamWait& wait);

  /// Messages since the last time: into the time line.
  void count_progress();
  /// The plan is closed: nothing follows any more.
  void abandon();
  /// A turn after on_done: the transport's part is given back.
  void retire();
  void task_ended() noexcept override;
  /// Outlives the task that has opened it.
  void leave_task();

  // StreamEvents.
  void on_headers(const MetadataView& headers, std::string_view peer, std::uint64_t connection, TimePoint at) override;
  void on_message(std::string_view message) override;
  void on_writable() override;
  void on_done(const StreamResult& result) override;

 private:
  /// What is known once it is done.
  struct Ending {
    GrpcStatus status;
    std::string trailers;  // packed
    std::uint64_t written = 0, received = 0;
  };
  int wait(lua_State* L, std::string_view function, StreamWait::For what, std::optional<Duration> timeout);
  StreamWait* first_wait(StreamWait::For what);
  /// Takes a wait off the list and lets its task go on with the `results` values pushed on its stack.
  void wake(StreamWait& wait, int results);
  void wake_all();

  int push_message_or_error(lua_State* L, std::string_view bytes);
  int push_close_result(lua_State* L);
  int push_end(lua_State* L) const;
  int push_backend(lua_State* L) const;
  void read_next();
  void accepted_one(lua_State* L, std::string_view message, const SendTimes& at, bool paced, FieldValue key);
  void measure_message(std::string_view message);
  void note_busy();
  void learn_backend(std::string_view backend);
  void learn_backend_from(std::string_view message);
  void tell_first(FirstOn first, TimePoint headers, std::string_view backend);
  void settle_end(const StreamResult& result);
  void record(const StreamResult& result);
  Failure failure(std::string_view code, std::string_view message) const;

  GrpcState& state_;
  Task* owner_;  // null once it has ended
  Rc<PlanChannel> channel_;
  const MethodInfo& method_;
  CallSite& site_;
  std::unique_ptr<GrpcStream> wire_;
  Few<StreamWait> waits_;
  std::uint64_t id_, trace_ = 0, connection_ = 0;
  std::uint64_t written_told_ = 0, received_told_ = 0;  // to the time line
  TimePoint intended_{}, opened_{}, last_message_{};
  SendTimes asked_{};  // the one message sent waits for its answer since
  std::unique_ptr<StreamCorrelation> correlation_;
  Rc<const std::string> headers_;  // packed
  std::string_view backend_;       // GrpcState has it
  std::string kept_;               // a message not yet received; of a stream being closed the last one
  std::unique_ptr<Ending> ending_;
  int references_ = 1;
  bool decode_;
  bool has_kept_ = false, has_headers_ = false;
  bool half_closed_ = false, draining_ = false, done_ = false;
  bool reached_ = false, ended_by_us_ = false, busy_ = false, attended_ = false;
};

struct StreamHandle {
  static constexpr ObjectType kType{"lgen.Stream"};
  explicit StreamHandle(LuaStream& s) : stream(&s) { stream->retain(); }
  ~StreamHandle() {
    if (stream->attended()) stream->cancel("nobody watches any more");
    stream->release();
  }
  StreamHandle(const StreamHandle&) = delete;
  StreamHandle& operator=(const StreamHandle&) = delete;
  LuaStream* stream;
};

/// ch:open(method, options).
int open_stream(lua_State* L);

}  // namespace lgen::lua
