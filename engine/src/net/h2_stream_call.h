// One stream of an `h2` channel, of any of the three kinds: a bounded send buffer in front, exact accounting behind,
// and the peer's flow control felt by whoever sends: what it does not take stays in the buffer.
//
// A stream without anything buffered holds no buffers: 100,000 idle ones fit in a process. What it needs for a while it
// borrows from its channel.
// Thread: the loop's.
// Lifetime: its owner's; may be destroyed inside its own events.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "h2_call.h"

namespace lgen {

class H2StreamCall final : public GrpcStream, public H2Call {
 public:
  H2StreamCall(H2Channel& channel, StreamEvents& events) : H2Call(channel), events_(&events) {}
  ~H2StreamCall() override;

  void start(std::string_view method, const CallOptions& options);

  Sent send(std::string_view message) override;
  void half_close() override;
  void read() override;
  void cancel(std::string_view reason) override { end(GrpcCode::cancelled, std::string(reason)); }
  std::uint64_t accepted() const override { return accepted_; }
  std::uint64_t written() const override { return written_; }
  std::uint64_t received() const override { return received_; }
  std::uint64_t connection() const override { return H2Call::connection(); }

  void tell() override;

 private:
  static constexpr std::size_t kSendBuffer = 64 * 1024;
  static constexpr std::size_t kLowWater = kSendBuffer / 2;  // room again: half, so that wake-ups come in batches
  static constexpr std::uint64_t kConsume = 64 << 10;

  void headers_came() override;
  void on_data(std::string_view bytes) override;
  Piece pull(std::string& to, std::size_t room) override;
  void count_written(std::string_view bytes);
  std::size_t buffered() const { return out_.size() - pulled_; }
  void wake_body();
  void consume();
  void tell_headers();
  bool tell_message();
  void tell_end();
  bool may_end() const;
  void fail(GrpcStatus problem);

  StreamEvents* events_;
  std::string out_;  // messages with their prefixes
  std::size_t pulled_ = 0;
  std::uint64_t message_left_ = 0;  // bytes of the message being pulled
  MessageAssembly assembly_;
  std::uint64_t accepted_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t received_ = 0;
  std::unique_ptr<GrpcStatus> problem_;  // with a message
  bool* destroyed_ = nullptr;            // set while an event runs
  std::optional<Compression> compression_;
  bool body_waits_ = false;  // the connection has asked for more and there was nothing
  bool reading_ = false;
  bool headers_untold_ = false;
  bool sender_waits_ = false;
  bool writable_untold_ = false;
  bool half_closed_ = false;
  bool told_ = false;  // on_done
};

}  // namespace lgen
