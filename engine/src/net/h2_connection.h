// The client's side of one HTTP/2 connection (RFC 9113) on a TcpStream. It knows streams and not what they carry, so
// that gRPC and plain HTTP both build on it. Frames, streams and windows are ours, the coding of headers (HPACK) is
// nghttp2's: its session, made for servers as well, with priorities and a queue of frames, takes six times as many
// instructions for a small request as these do.
//
// What else makes it cheap: everything that a turn submits leaves in one write; what one read brings is parsed in one
// go, and its owner is told once (on_news); blocks of fields that repeat are neither encoded nor decoded again. Large
// windows keep flow control out of the way of what we receive.
//
// A peer that breaks the rules is told (GOAWAY, or RST_STREAM where the rules allow for it) and left.
// Thread: the loop's.
// Lifetime: may be destroyed at any time but while frames are read or written, so also inside on_news. Streams still
// open are unlinked, not told.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "h2_frames.h"
#include "h2_hpack.h"
#include "h2_stream.h"
#include "h2_stream_table.h"
#include "lgen/loop.h"
#include "tcp_stream.h"

namespace lgen {

struct H2Options {
  std::uint32_t stream_window = 1 << 20;  // bytes the peer may send on a stream before it is told that they were read
  std::int32_t connection_window = 64 << 20;
  std::uint32_t max_header_list = 64 << 10;  // what we announce; the streams enforce it
  std::int32_t first_stream = 1;             // for tests: identifiers run out
};

struct H2Goaway {
  std::int32_t last_stream = 0;  // streams above it were not processed
  std::uint32_t code = 0;
  std::string text;
};

/// "PROTOCOL_ERROR", "ENHANCE_YOUR_CALM", ...
std::string_view h2_error_name(std::uint32_t code);

class H2Connection final : private TcpStream::Events {
 public:
  class Events {
   public:
    /// Something has happened: look at settings_at(), goaway(), error(), pong_at(), and at what the streams have noted.
    virtual void on_news() = 0;

   protected:
    ~Events() = default;
  };

  /// `stream`: open. Our SETTINGS leave at the end of the turn.
  H2Connection(std::shared_ptr<NetContext> context, std::unique_ptr<TcpStream> stream, const H2Options& options,
               Events& events);
  ~H2Connection();
  H2Connection(const H2Connection&) = delete;
  H2Connection& operator=(const H2Connection&) = delete;

  /// Another stream may be opened: the peer's SETTINGS are there and leave room, nobody has said GOAWAY, and there are
  /// identifiers left.
  bool has_room() const { return usable() && streams_.size() < max_streams_; }
  /// The same, were it not for the streams open now.
  bool usable() const { return settings_at_ != TimePoint{} && !goaway_ && !error_ && !used_up_; }
  /// Every identifier was used: open another connection.
  bool used_up() const { return used_up_; }

  /// Only with room. `body`: pull() will be asked for one.
  void open(H2Stream& stream, const H2Fields& headers, bool body);
  /// There is more for pull() to give.
  void resume(H2Stream& stream);
  /// RST_STREAM; the stream is unlinked and hears nothing more.
  void reset(H2Stream& stream, std::uint32_t code);
  /// `count` bytes of on_data() were used: the peer may send as many more.
  void consume(H2Stream& stream, std::size_t count);
  void ping();
  /// Tells the peer that we go, sends what the system takes now and ends: no stream is told, on_news does not follow.
  void close();

  /// It is of no use any more: streams hear of it, on_news does not follow.
  void give_up(Error error) { fail(std::move(error)); }

  bool receiving() const { return receiving_; }
  std::size_t open_streams() const { return streams_.size(); }
  std::uint32_t max_streams() const { return max_streams_; }
  const std::string& peer() const { return tcp_->peer(); }
  std::string_view protocol() const { return tcp_->protocol(); }
  /// When the bytes being parsed had come; one reading of the clock serves all that came together.
  TimePoint received_at() const { return received_at_; }
  TimePoint settings_at() const { return settings_at_; }
  TimePoint pong_at() const { return pong_at_; }
  const std::optional<H2Goaway>& goaway() const { return goaway_; }
  /// Why it is over; nothing: it is not.
  const std::optional<Error>& error() const { return error_; }

 private:
  void on_data(std::string_view bytes) override;
  void on_end() override;
  void on_error(const Error& error) override;
  void on_drained() override { want_write(); }
  void on_flush() override;

  friend class H2Stream;
  void greet(const H2Options& options);
  void want_write();
  void news_later();
  void fail(Error error);
  void break_off(std::uint32_t code, std::string_view why);
  void break_stream(H2Stream& stream, std::uint32_t code);
  Error ended_by_peer() const;
  Error broken_protocol(std::string_view what) const;

  // What comes: h2_receive.cc.
  void take(const H2Part& part);
  bool fits(const H2Part& part);
  void data_received(const H2Part& part);
  bool begin_data(const H2Head& head, std::string_view& bytes);
  void headers_received(const H2Part& part);
  void continuation_received(const H2Part& part);
  void block_received(std::int32_t id, H2Block* block, bool complete);
  void settings_received(const H2Part& part);
  void set(std::uint16_t key, std::uint32_t value);
  void set_initial_window(std::uint32_t size);
  void ping_received(const H2Part& part);
  void goaway_received(const H2Part& part);
  void reset_received(const H2Part& part);
  void window_received(const H2Part& part);
  void stream_ended(H2Stream& stream);
  bool is_idle(std::int32_t id) const { return id % 2 == 0 || static_cast<std::uint32_t>(id) >= next_id_; }

  // Streams, and what goes.
  H2Stream* find(std::int32_t id);
  void unlink(H2Stream& stream);
  void close_stream(H2Stream& stream, std::uint32_t code);
  void put_headers(std::int32_t id, const H2Fields& headers, bool end);
  void put(std::uint8_t type, std::uint8_t flags, std::int32_t stream, std::string_view payload);
  void put_number(std::uint8_t type, std::int32_t stream, std::uint32_t number);
  void answer(std::uint8_t type, std::string_view payload);
  void list_sending(H2Stream& stream);
  void send_bodies();
  /// What a body has made of its turn: it may have more, waits for room, or has ended or nothing to say for now.
  enum class Turn { goes_on, waits, over };
  Turn send_piece(H2Stream& stream);
  void look_for_stalls();

  std::shared_ptr<NetContext> context_;
  std::unique_ptr<TcpStream> tcp_;
  Events& events_;
  const std::int32_t stream_window_;
  const std::uint32_t consume_at_;  // bytes: the peer is told of so many at once
  Timer news_;

  H2Frames frames_;
  HpackReader reader_;
  HpackWriter writer_;
  std::uint32_t next_id_ = 1;
  H2StreamTable<H2Stream> streams_;  // open
  std::int32_t found_id_ = 0;        // the last one looked for
  H2Stream* found_ = nullptr;
  std::vector<H2Stream*> fresh_;    // whose headers have not left
  std::vector<H2Stream*> sending_;  // bodies that may have something left when the turn has been written

  std::int64_t send_window_ = kFirstWindow;
  std::int64_t receive_window_ = 0;
  std::size_t unconsumed_ = 0;  // of the connection's window, which is free again as soon as bytes have come
  std::size_t body_left_ = 0;   // of the DATA frame being received, without its padding
  std::int32_t block_of_ = 0;   // the stream whose header block is being received
  bool block_ends_ = false;     // and it is the last thing that this stream brings
  int continuations_ = 0;
  int unread_answers_ = 0;  // given since the peer has last taken all we had

  // As the peer's SETTINGS say.
  std::uint32_t max_streams_ = kNoLimit;
  std::int32_t peer_window_ = kFirstWindow;  // of its streams
  int settings_unacked_ = 0;

  TimePoint received_at_{};
  TimePoint flushed_at_{};
  TimePoint settings_at_{};
  TimePoint pong_at_{};
  std::optional<H2Goaway> goaway_;
  std::optional<Error> error_;
  bool receiving_ = false;
  bool used_up_ = false;

  static constexpr std::int32_t kFirstWindow = 65535;  // of every window, before anybody has said anything
  static constexpr std::uint32_t kNoLimit = 0xffffffff;
};

}  // namespace lgen
