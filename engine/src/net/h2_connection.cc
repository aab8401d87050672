#include "h2_connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace lgen {
namespace {

constexpr std::size_t kBurst = 256 << 10;  // bytes serialized before the system is asked to take them
constexpr std::int32_t kLastStream = std::numeric_limits<std::int32_t>::max();

std::string_view view(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

struct OptionsDeleter {
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};

}  // namespace

std::string_view h2_error_name(std::uint32_t code) { return nghttp2_http2_strerror(code); }

H2Stream::~H2Stream() {
  if (h2_ != nullptr) h2_->reset(*this, NGHTTP2_CANCEL);
}

/// nghttp2 calls plain functions; these find the connection and the stream.
struct H2Connection::Hooks {
  static H2Connection& self(void* user) { return *static_cast<H2Connection*>(user); }

  static nghttp2_session_callbacks* table() {
    static nghttp2_session_callbacks* const made = [] {
      nghttp2_session_callbacks* callbacks = nullptr;
      nghttp2_session_callbacks_new(&callbacks);
      nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
      nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_chunk);
      nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
      nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
      nghttp2_session_callbacks_set_error_callback2(callbacks, on_complaint);
      return callbacks;
    }();
    return made;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
    H2Stream* stream = self(user).find(frame->hd.stream_id);
    const bool more = stream == nullptr || stream->on_header(view(name, name_size), view(value, value_size));
    return more ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    return self(user).frame_received(*frame);
  }
  static int on_chunk(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size,
                      void* user) {
    self(user).unconsumed_ += size;
    if (H2Stream* stream = self(user).find(id)) stream->on_data(view(bytes, size));
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
    self(user).stream_closed(id, code);
    return 0;
  }
  static int on_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    if (H2Stream* stream = self(user).find(frame->hd.stream_id)) stream->on_sent(self(user).flushed_at_);
    return 0;
  }
  static int on_complaint(nghttp2_session*, int, const char* text, std::size_t size, void* user) {
    self(user).complaint_.assign(text, size);
    return 0;
  }
  static ssize_t pull(nghttp2_session*, std::int32_t id, std::uint8_t* to, std::size_t room, std::uint32_t* flags,
                      nghttp2_data_source*, void* user) {
    H2Stream* stream = self(user).find(id);
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // it was reset
    stream->stalled_ = false;
    const H2Stream::Piece piece = stream->pull(reinterpret_cast<char*>(to), room);
    if (piece.end) *flags |= NGHTTP2_DATA_FLAG_EOF;
    stream->sending_ = !piece.end && piece.size == room;
    if (piece.size == 0 && !piece.end) return NGHTTP2_ERR_DEFERRED;
    return static_cast<ssize_t>(piece.size);
  }
};

H2Connection::H2Connection(std::shared_ptr<NetContext> context, std::unique_ptr<TcpStream> stream,
                           const H2Options& options, Events& events)
    : context_(std::move(context)),
      tcp_(std::move(stream)),
      events_(events),
      consume_at_(static_cast<std::size_t>(options.connection_window) / 8),
      news_(context_->loop(), [this] { events_.on_news(); }) {
  nghttp2_option* made = nullptr;
  nghttp2_option_new(&made);
  const std::unique_ptr<nghttp2_option, OptionsDeleter> option(made);
  nghttp2_option_set_no_auto_window_update(made, 1);
  nghttp2_option_set_no_closed_streams(made, 1);
  nghttp2_option_set_no_http_messaging(made, options.check_fields ? 0 : 1);
  nghttp2_session_client_new3(&session_, Hooks::table(), this, made, context_->h2_memory().hooks());
  greet(options);
  tcp_->set_events(*this);
}

H2Connection::~H2Connection() {
  while (streams_ != nullptr) unlink(*streams_);
  nghttp2_session_del(session_);
}

void H2Connection::greet(const H2Options& options) {
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                             {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.stream_window},
                                             {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options.max_header_list}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, options.connection_window);
  if (options.first_stream > 1) nghttp2_session_set_next_stream_id(session_, options.first_stream);
  want_write();
}

H2Stream* H2Connection::find(std::int32_t id) {
  if (id == found_id_) return found_;
  found_id_ = id;
  found_ = static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(session_, id));
  return found_;
}

void H2Connection::link(H2Stream& stream) {
  stream.h2_ = this;
  stream.prev_ = nullptr;
  stream.next_ = streams_;
  if (streams_ != nullptr) streams_->prev_ = &stream;
  streams_ = &stream;
  ++open_;
}

void H2Connection::unlink(H2Stream& stream) {
  (stream.prev_ != nullptr ? stream.prev_->next_ : streams_) = stream.next_;
  if (stream.next_ != nullptr) stream.next_->prev_ = stream.prev_;
  if (std::exchange(stream.listed_, false)) std::erase(sending_, &stream);
  if (found_ == &stream) found_ = nullptr;
  stream.h2_ = nullptr;
  --open_;
}

void H2Connection::open(H2Stream& stream, std::span<const nghttp2_nv> headers, bool body) {
  nghttp2_data_provider provider{};
  provider.read_callback = Hooks::pull;
  const std::int32_t id =
      nghttp2_submit_request(session_, nullptr, headers.data(), headers.size(), body ? &provider : nullptr, &stream);
  link(stream);
  stream.id_ = id;
  stream.stalled_ = stream.reset_by_us_ = false;
  if (body) list_sending(stream);
  if (id >= kLastStream - 1) used_up_ = true;
  want_write();
}

void H2Connection::resume(H2Stream& stream) {
  nghttp2_session_resume_data(session_, stream.id_);
  list_sending(stream);
  want_write();
}

void H2Connection::list_sending(H2Stream& stream) {
  stream.sending_ = true;
  if (!std::exchange(stream.listed_, true)) sending_.push_back(&stream);
}

void H2Connection::reset(H2Stream& stream, std::uint32_t code) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, code);
  nghttp2_session_set_stream_user_data(session_, stream.id_, nullptr);
  unlink(stream);
  want_write();
}

void H2Connection::consume(H2Stream& stream, std::size_t count) {
  nghttp2_session_consume_stream(session_, stream.id_, count);
  want_write();
}

void H2Connection::ping() {
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  want_write();
}

void H2Connection::close() {
  news_.disarm();
  if (error_) return;
  nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
  tcp_->ask_flush();
  tcp_->flush();
}

void H2Connection::want_write() {
  if (!error_) tcp_->ask_flush();
}

void H2Connection::news_later() {
  if (!news_.armed()) news_.arm(context_->loop().now());
}

void H2Connection::on_data(std::string_view bytes) {
  received_at_ = context_->loop().precise_now();
  if (settings_at_ == TimePoint{} && bytes.starts_with("HTTP/1")) {
    complaint_ = "it speaks HTTP/1, not HTTP/2";
    fail(broken_protocol({}));
    return events_.on_news();
  }
  receiving_ = true;
  const ssize_t result =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  receiving_ = false;
  if (unconsumed_ >= consume_at_) nghttp2_session_consume_connection(session_, std::exchange(unconsumed_, 0));
  if (result < 0) {
    fail(broken_protocol(nghttp2_strerror(static_cast<int>(result))));
  } else if (nghttp2_session_want_write(session_) != 0) {
    want_write();
  } else if (nghttp2_session_want_read(session_) == 0) {
    fail(ended_by_peer());
  }
  news_.disarm();
  events_.on_news();  // last: it may destroy this
}

void H2Connection::on_end() {
  fail(ended_by_peer());
  events_.on_news();
}

Error H2Connection::ended_by_peer() const {
  std::string why;
  if (goaway_ && goaway_->code != NGHTTP2_NO_ERROR) {
    why = fmt::format(" after GOAWAY ({}{}{})", h2_error_name(goaway_->code), goaway_->text.empty() ? "" : ": ",
                      goaway_->text);
  }
  return make_error(ErrorCode::closed, fmt::format("{} has closed the connection{}", peer(), why));
}

void H2Connection::on_error(const Error& error) {
  fail(error);
  events_.on_news();
}

void H2Connection::on_flush() {
  flushed_at_ = context_->loop().precise_now();
  while (tcp_->buffered() < kBurst) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size < 0) {
      fail(broken_protocol(nghttp2_strerror(static_cast<int>(size))));
      return news_later();
    }
    if (size == 0) return look_for_stalls();
    tcp_->write(view(bytes, static_cast<std::size_t>(size)));
  }
  tcp_->ask_flush();
}

/// nghttp2 has nothing more that may be sent now: bodies that have something left wait for the peer.
void H2Connection::look_for_stalls() {
  std::erase_if(sending_, [](H2Stream* stream) {
    if (stream->sending_ && !std::exchange(stream->stalled_, true)) stream->on_stall();
    return !(stream->listed_ = stream->sending_);
  });
  if (nghttp2_session_want_read(session_) != 0 || nghttp2_session_want_write(session_) != 0) return;
  // We have said GOAWAY ourselves: it has broken the protocol.
  if (!error_) fail(broken_protocol("it has broken HTTP/2's rules"));
  news_later();
}

/// Streams hear of it at once, the owner in on_news.
void H2Connection::fail(Error error) {
  if (error_) return;
  error_ = std::move(error);
  while (streams_ != nullptr) {
    H2Stream& stream = *streams_;
    unlink(stream);
    stream.on_lost(*error_);
  }
}

Error H2Connection::broken_protocol(std::string_view what) const {
  return make_error(ErrorCode::protocol, fmt::format("the connection to {} broke: {}", peer(),
                                                     complaint_.empty() ? what : std::string_view(complaint_)));
}

int H2Connection::frame_received(const nghttp2_frame& frame) {
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
      if (H2Stream* stream = find(frame.hd.stream_id)) headers_received(*stream, frame);
      break;
    case NGHTTP2_DATA:
      if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) break;
      if (H2Stream* stream = find(frame.hd.stream_id)) stream->on_end();
      break;
    case NGHTTP2_SETTINGS:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) break;
      if (settings_at_ == TimePoint{}) settings_at_ = received_at_;
      max_streams_ = nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
      break;
    case NGHTTP2_GOAWAY:
      goaway_ = H2Goaway{frame.goaway.last_stream_id, frame.goaway.error_code,
                         std::string(view(frame.goaway.opaque_data, frame.goaway.opaque_data_len))};
      break;
    case NGHTTP2_PING:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) pong_at_ = received_at_;
      break;
    default:
      break;
  }
  return 0;
}

void H2Connection::headers_received(H2Stream& stream, const nghttp2_frame& frame) {
  const bool end = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  stream.on_headers_end(end);
  if (end) stream.on_end();
}

void H2Connection::stream_closed(std::int32_t id, std::uint32_t code) {
  H2Stream* stream = find(id);
  if (stream == nullptr) return;
  unlink(*stream);
  stream->reset_by_us_ = !receiving_;  // what a stream's owner resets is not found here any more
  stream->on_closed(code);
  if (!receiving_) news_later();
}

}  // namespace lgen
