// One stream of gRPC core, of any of the three kinds: a bounded send buffer in front, exact accounting behind.
//
// gRPC takes one write at a time and by default makes a packet of each. A write with the buffer hint stays in gRPC's
// own buffer until the next one without: so every message that has another one queued behind it goes with the hint, and
// the last one flushes. For the queue to fill, what a turn of the loop sends is written at the turn's end. Thread: the
// loop's. Lifetime: the owner's handle (GrpcCoreStream) may go at any time; the call frees itself when gRPC has given
// back every operation.
#pragma once

#include <grpc/grpc.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "grpc_batch.h"
#include "grpc_core_channel.h"
#include "lgen/grpc.h"
#include "loop_internal.h"

namespace lgen {

/// Messages not yet given to gRPC: a vector with a moving head, without memory until the first message.
class SendQueue {
 public:
  SendQueue() = default;
  ~SendQueue() { clear(); }
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;

  bool empty() const { return head_ == slices_.size(); }
  /// Bytes held, with a message's own overhead, so that empty messages count, too.
  std::size_t cost() const { return cost_; }
  static std::size_t cost_of(std::size_t bytes) { return bytes + sizeof(grpc_slice); }
  void push(std::string_view message);
  grpc_slice pop();
  void clear();

 private:
  std::vector<grpc_slice> slices_;
  std::size_t head_ = 0;
  std::size_t cost_ = 0;
};

class GrpcStreamCall final : public ChannelCall {
 public:
  GrpcStreamCall(GrpcCoreChannel& channel, StreamEvents& events) : ChannelCall(&channel), events_(&events) {}

  void start(std::string_view method, const CallOptions& options);
  GrpcStream::Sent send(std::string_view message);
  void half_close();
  void read();
  void cancel_for(const char* reason) override;
  /// The owner's handle is gone.
  void abandon();
  /// Gives gRPC the next message, if it can take one.
  void pump();
  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t written() const { return written_; }
  std::uint64_t received() const { return received_; }
  std::uint64_t connection() const { return connection_; }

 private:
  friend class GrpcCoreChannel;
  static constexpr std::size_t kSendBuffer = 64 * 1024;
  static constexpr Duration kDoubt = std::chrono::milliseconds(50);
  static constexpr std::size_t kLowWater = kSendBuffer / 2;  // room again: half, so that wake-ups come in batches

  /// One of the stream's operations in the completion queue.
  template <void (GrpcStreamCall::*finished)(bool)>
  struct Tag final : CoreTag {
    explicit Tag(GrpcStreamCall& for_call) : call(for_call) {}
    void complete(bool ok) override {
      GrpcStreamCall& stream = call;  // the last completion frees the stream and this tag with it
      --stream.outstanding_;
      stream.busy_ = true;
      (stream.*finished)(ok);
      stream.busy_ = false;
      stream.end_if_over();
    }
    GrpcStreamCall& call;
  };

  bool begin(const grpc_op* ops, std::size_t count, CoreTag& tag);
  void start_failed(GrpcCode code, const std::string& message);
  void on_sent(bool ok);
  void on_headers(bool ok);
  void tell_headers();
  void on_read(bool ok);
  void end_our_side();
  void on_written(bool ok);
  void on_status(bool ok);
  void book();
  void wake_sender();
  void end_if_over();
  void fill(StreamResult& result);
  bool closing_now() const { return half_closed_ && !close_sent_ && queue_.empty(); }

  StreamEvents* events_;  // nullptr: nobody listens any more
  grpc_call* call_ = nullptr;
  Timing timing_;
  TimePoint headers_at_{};
  std::unique_ptr<Timer> deadline_;  // of a stream with a timeout
  std::unique_ptr<Timer> doubt_;     // while it is open whether empty headers are an answer
  std::uint64_t accepted_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t connection_ = 0;
  std::uint8_t outstanding_ = 0;  // operations gRPC has
  bool busy_ = false;             // inside a completion
  bool booked_ = false;           // counted on its connection
  bool cancelled_ = false;        // by us, or by the deadline
  bool status_known_ = false;
  bool over_ = false;  // on_done was delivered
  bool reading_ = false;
  bool writing_ = false;
  bool writing_message_ = false;
  bool sender_waits_ = false;
  bool half_closed_ = false;
  bool close_sent_ = false;
  bool to_pump_ = false;  // on the channel's list

  Tag<&GrpcStreamCall::on_sent> sent_tag_{*this};
  Tag<&GrpcStreamCall::on_headers> headers_tag_{*this};
  Tag<&GrpcStreamCall::on_status> status_tag_{*this};
  Tag<&GrpcStreamCall::on_read> read_tag_{*this};
  Tag<&GrpcStreamCall::on_written> write_tag_{*this};

  SendQueue queue_;
  SendBuffer out_;
  grpc_byte_buffer* in_ = nullptr;
  ReceivedMetadata headers_;
  ReceivedStatus status_;
};

/// What the owner holds.
class GrpcCoreStream final : public GrpcStream {
 public:
  explicit GrpcCoreStream(GrpcStreamCall& call) : call_(call) {}
  ~GrpcCoreStream() override { call_.abandon(); }
  Sent send(std::string_view message) override { return call_.send(message); }
  void half_close() override { call_.half_close(); }
  void read() override { call_.read(); }
  void cancel(std::string_view reason) override { call_.cancel_for(std::string(reason).c_str()); }
  std::uint64_t accepted() const override { return call_.accepted(); }
  std::uint64_t written() const override { return call_.written(); }
  std::uint64_t received() const override { return call_.received(); }
  std::uint64_t connection() const override { return call_.connection(); }

 private:
  GrpcStreamCall& call_;
};

}  // namespace lgen
