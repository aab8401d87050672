// The client's side of one HTTP/2 connection: nghttp2's session on a TcpStream. It knows streams and not what they
// carry, so that gRPC and plain HTTP both build on it.
//
// What makes it cheap: everything that a turn submits is serialized once, at the turn's end, and leaves in one write;
// what one read brings is parsed in one go, and its owner is told once (on_news). Large windows keep flow control out
// of the way of what we receive. Thread: the loop's. Lifetime: may be destroyed at any time but while frames are read
// or written, so also inside on_news. Streams still open are unlinked, not told.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "h2_stream.h"
#include "lgen/loop.h"
#include "tcp_stream.h"

namespace lgen {

struct H2Options {
  std::uint32_t stream_window = 1 << 20;  // bytes the peer may send on a stream before it is told that they were read
  std::int32_t connection_window = 64 << 20;
  std::uint32_t max_header_list = 64 << 10;  // what we announce; the streams enforce it
  std::int32_t first_stream = 1;             // for tests: identifiers run out
  // nghttp2 holds answers to HTTP's rules about fields: names in lower case, content-length, ... It costs a seventh of
  // all parsing; who takes nothing from fields but what it knows can do without.
  bool check_fields = true;
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
  bool has_room() const { return usable() && open_ < max_streams_; }
  /// The same, were it not for the streams open now.
  bool usable() const { return settings_at_ != TimePoint{} && !goaway_ && !error_ && !used_up_; }
  /// Every identifier was used: open another connection.
  bool used_up() const { return used_up_; }

  /// Only with room. Headers with NO_COPY flags must last until on_sent(). `body`: pull() will be asked for one.
  void open(H2Stream& stream, std::span<const nghttp2_nv> headers, bool body);
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
  std::size_t open_streams() const { return open_; }
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
  struct Hooks;  // nghttp2's callbacks
  void on_data(std::string_view bytes) override;
  void on_end() override;
  void on_error(const Error& error) override;
  void on_drained() override { want_write(); }
  void on_flush() override;

  H2Stream* find(std::int32_t id);
  void link(H2Stream& stream);
  void unlink(H2Stream& stream);
  friend class H2Stream;
  void greet(const H2Options& options);
  void list_sending(H2Stream& stream);
  void want_write();
  void look_for_stalls();
  void news_later();
  void fail(Error error);
  Error ended_by_peer() const;
  Error broken_protocol(std::string_view what) const;
  int frame_received(const nghttp2_frame& frame);
  void headers_received(H2Stream& stream, const nghttp2_frame& frame);
  void stream_closed(std::int32_t id, std::uint32_t code);

  std::shared_ptr<NetContext> context_;
  std::unique_ptr<TcpStream> tcp_;
  Events& events_;
  const std::size_t consume_at_;  // bytes: nghttp2 is told of so many at once
  nghttp2_session* session_ = nullptr;
  Timer news_;
  H2Stream* streams_ = nullptr;  // open
  std::size_t open_ = 0;
  std::vector<H2Stream*> sending_;  // bodies that may have something left when the turn has been written
  std::int32_t found_id_ = 0;       // the last one looked for
  H2Stream* found_ = nullptr;
  std::size_t unconsumed_ = 0;  // of the connection's window, which is free again as soon as bytes have come
  std::uint32_t max_streams_ = 0;
  TimePoint received_at_{};
  TimePoint flushed_at_{};
  TimePoint settings_at_{};
  TimePoint pong_at_{};
  std::optional<H2Goaway> goaway_;
  std::optional<Error> error_;
  std::string complaint_;  // nghttp2's own, about what the peer has sent
  bool receiving_ = false;
  bool used_up_ = false;
};

}  // namespace lgen
