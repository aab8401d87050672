#include "h2_connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace lgen {
namespace {

constexpr std::size_t kBurst = 256 << 10;  // bytes serialized before the system is asked to take them
constexpr std::uint32_t kLastStream = std::numeric_limits<std::int32_t>::max();
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr int kMostAnswers = 10'000;  // to a peer that asks and asks, and takes none

void append_setting(std::string& payload, std::uint16_t key, std::uint32_t value) {
  char bytes[6] = {static_cast<char>(key >> 8), static_cast<char>(key)};
  put_h2_number(bytes + 2, value);
  payload.append(bytes, sizeof bytes);
}

}  // namespace

std::string_view h2_error_name(std::uint32_t code) { return nghttp2_http2_strerror(code); }

H2Stream::~H2Stream() {
  if (h2_ != nullptr) h2_->reset(*this, NGHTTP2_CANCEL);
}

H2Connection::H2Connection(std::shared_ptr<NetContext> context, std::unique_ptr<TcpStream> stream,
                           const H2Options& options, Events& events)
    : context_(std::move(context)),
      tcp_(std::move(stream)),
      events_(events),
      stream_window_(static_cast<std::int32_t>(options.stream_window)),
      consume_at_(static_cast<std::uint32_t>(options.connection_window) / 8),
      news_(context_->loop(), [this] { events_.on_news(); }),
      // Whoever counts names and values alone shall see that there were too many of them.
      reader_(2 * std::size_t{options.max_header_list}, context_->h2_memory().hooks()),
      writer_(context_->h2_memory().hooks()),
      next_id_(static_cast<std::uint32_t>(options.first_stream)) {
  greet(options);
  tcp_->set_events(*this);
}

H2Connection::~H2Connection() {
  for (H2Stream* stream : streams_.all()) unlink(*stream);
}

void H2Connection::greet(const H2Options& options) {
  std::string settings;
  append_setting(settings, NGHTTP2_SETTINGS_ENABLE_PUSH, 0);
  append_setting(settings, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.stream_window);
  append_setting(settings, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options.max_header_list);
  tcp_->write(kPreface);
  put(NGHTTP2_SETTINGS, 0, 0, settings);
  settings_unacked_ = 1;
  receive_window_ = options.connection_window;
  put_number(NGHTTP2_WINDOW_UPDATE, 0, static_cast<std::uint32_t>(options.connection_window - kFirstWindow));
}

// ---- streams ----

H2Stream* H2Connection::find(std::int32_t id) {
  if (id == found_id_) return found_;
  found_id_ = id;
  found_ = streams_.find(id);
  return found_;
}

void H2Connection::unlink(H2Stream& stream) {
  streams_.erase(stream);
  if (std::exchange(stream.listed_, false)) std::erase(sending_, &stream);
  if (std::exchange(stream.fresh_, false)) std::erase(fresh_, &stream);
  if (found_ == &stream) found_ = nullptr;
  stream.h2_ = nullptr;
}

void H2Connection::open(H2Stream& stream, const H2Fields& headers, bool body) {
  const auto id = static_cast<std::int32_t>(next_id_);
  next_id_ += 2;
  if (next_id_ > kLastStream) used_up_ = true;
  put_headers(id, headers, !body);
  stream.h2_ = this;
  stream.id_ = id;
  stream.send_window_ = peer_window_;
  stream.receive_window_ = stream_window_;
  stream.consumed_ = 0;
  stream.stalled_ = stream.reset_by_us_ = stream.answered_ = stream.peer_ended_ = false;
  stream.ended_ = !body;
  streams_.insert(stream);
  if (id == found_id_) found_id_ = 0;
  stream.fresh_ = true;
  fresh_.push_back(&stream);
  if (body) list_sending(stream);
  want_write();
}

void H2Connection::resume(H2Stream& stream) {
  list_sending(stream);
  want_write();
}

void H2Connection::list_sending(H2Stream& stream) {
  stream.sending_ = true;
  if (!std::exchange(stream.listed_, true)) sending_.push_back(&stream);
}

void H2Connection::reset(H2Stream& stream, std::uint32_t code) {
  if (!error_) put_number(NGHTTP2_RST_STREAM, stream.id_, code);
  unlink(stream);
}

void H2Connection::close_stream(H2Stream& stream, std::uint32_t code) {
  unlink(stream);
  stream.on_closed(code);
}

/// The peer has broken the rules, but so that only one stream suffers.
void H2Connection::break_stream(H2Stream& stream, std::uint32_t code) {
  put_number(NGHTTP2_RST_STREAM, stream.id_, code);
  unlink(stream);
  stream.reset_by_us_ = true;
  stream.on_closed(code);
}

void H2Connection::consume(H2Stream& stream, std::size_t count) {
  stream.consumed_ += static_cast<std::uint32_t>(count);
  if (stream.peer_ended_ || stream.consumed_ < static_cast<std::uint32_t>(stream_window_) / 2) return;
  stream.receive_window_ += static_cast<std::int32_t>(stream.consumed_);
  put_number(NGHTTP2_WINDOW_UPDATE, stream.id_, std::exchange(stream.consumed_, 0));
}

// ---- what goes ----

void H2Connection::put(std::uint8_t type, std::uint8_t flags, std::int32_t stream, std::string_view payload) {
  append_h2_frame(tcp_->outgoing(), {payload.size(), type, flags, stream}, payload);
  want_write();
}

void H2Connection::put_number(std::uint8_t type, std::int32_t stream, std::uint32_t number) {
  char payload[4];
  put_h2_number(payload, number);
  put(type, 0, stream, {payload, sizeof payload});
}

/// The acknowledgement of what the peer has sent.
void H2Connection::answer(std::uint8_t type, std::string_view payload) {
  if (++unread_answers_ > kMostAnswers) return break_off(NGHTTP2_ENHANCE_YOUR_CALM, "it asks without end");
  put(type, NGHTTP2_FLAG_ACK, 0, payload);
}

/// In place, and taken apart only when they are larger than a frame may be.
void H2Connection::put_headers(std::int32_t id, const H2Fields& headers, bool end) {
  std::string& out = tcp_->outgoing();
  const std::size_t at = out.size();
  const std::uint8_t last = end ? NGHTTP2_FLAG_END_STREAM : NGHTTP2_FLAG_NONE;
  out.append(kH2Head, '\0');
  writer_.write(out, headers);
  const std::size_t size = out.size() - at - kH2Head;
  if (size <= kH2MostFrame) {
    const auto flags = static_cast<std::uint8_t>(NGHTTP2_FLAG_END_HEADERS | last);
    return put_h2_head(out.data() + at, {size, NGHTTP2_HEADERS, flags, id});
  }
  const std::string block = out.substr(at + kH2Head);
  out.resize(at);
  std::string_view left = block;
  for (std::uint8_t type = NGHTTP2_HEADERS, flags = last; !left.empty(); type = NGHTTP2_CONTINUATION, flags = 0) {
    const std::string_view piece = left.substr(0, kH2MostFrame);
    left.remove_prefix(piece.size());
    if (left.empty()) flags |= NGHTTP2_FLAG_END_HEADERS;
    append_h2_frame(out, {piece.size(), type, flags, id}, piece);
  }
}

void H2Connection::ping() {
  constexpr char kNothing[8] = {};
  put(NGHTTP2_PING, 0, 0, {kNothing, sizeof kNothing});
}

void H2Connection::close() {
  news_.disarm();
  if (error_) return;
  put(NGHTTP2_GOAWAY, 0, 0, std::string_view("\0\0\0\0\0\0\0\0", 8));
  tcp_->flush();
}

void H2Connection::want_write() {
  if (!error_) tcp_->ask_flush();
}

void H2Connection::news_later() {
  if (!news_.armed()) news_.arm(context_->loop().now());
}

void H2Connection::on_flush() {
  flushed_at_ = context_->loop().precise_now();
  unread_answers_ = 0;
  for (H2Stream* stream : fresh_) {
    stream->fresh_ = false;
    stream->on_sent(flushed_at_);
  }
  fresh_.clear();
  send_bodies();
}

/// One frame of each in turn, so that none waits for a large one.
void H2Connection::send_bodies() {
  bool more = !sending_.empty();
  while (more && tcp_->buffered() < kBurst) {
    more = false;
    std::size_t served = 0, kept = 0;
    for (; served < sending_.size() && tcp_->buffered() < kBurst; ++served) {
      H2Stream* stream = sending_[served];
      const Turn turn = send_piece(*stream);
      more = more || turn == Turn::goes_on;
      stream->listed_ = turn != Turn::over;
      if (stream->listed_) sending_[kept++] = stream;
    }
    more = more || served < sending_.size();
    // Those that had their turn line up behind the others.
    const auto begin = sending_.begin();
    const auto gap = static_cast<std::ptrdiff_t>(kept), rest = static_cast<std::ptrdiff_t>(served);
    sending_.erase(begin + gap, begin + rest);
    if (served < sending_.size()) std::rotate(begin, begin + gap, sending_.end());
  }
  more ? tcp_->ask_flush() : look_for_stalls();
}

/// Without a window there is still room for the end of a body, when nothing else is left of it (6.9.1).
H2Connection::Turn H2Connection::send_piece(H2Stream& stream) {
  const std::int64_t window = std::min<std::int64_t>(send_window_, stream.send_window_);
  if (window <= 0 && stream.stalled_) return Turn::waits;  // it has been asked
  const std::size_t room = window <= 0 ? 0 : std::min(kH2MostFrame, static_cast<std::size_t>(window));
  std::string& out = tcp_->outgoing();
  const std::size_t at = out.size();
  out.append(kH2Head, '\0');
  const H2Stream::Piece piece = stream.pull(out, room);
  stream.stalled_ = false;
  stream.sending_ = piece.more;
  if (piece.size == 0 && !piece.end) {
    out.resize(at);
    return piece.more ? Turn::waits : Turn::over;
  }
  const std::uint8_t flags = piece.end ? NGHTTP2_FLAG_END_STREAM : NGHTTP2_FLAG_NONE;
  put_h2_head(out.data() + at, {piece.size, NGHTTP2_DATA, flags, stream.id_});
  send_window_ -= static_cast<std::int64_t>(piece.size);
  stream.send_window_ -= static_cast<std::int32_t>(piece.size);
  if (!piece.end) return piece.more ? Turn::goes_on : Turn::over;
  stream.ended_ = true;
  stream.listed_ = false;
  if (stream.peer_ended_) close_stream(stream, NGHTTP2_NO_ERROR);
  return Turn::over;
}

/// Bodies that have something left wait for the peer.
void H2Connection::look_for_stalls() {
  for (H2Stream* stream : sending_) {
    if (stream->sending_ && !std::exchange(stream->stalled_, true)) stream->on_stall();
  }
}

// ---- the end ----

void H2Connection::on_end() {
  fail(ended_by_peer());
  events_.on_news();
}

void H2Connection::on_error(const Error& error) {
  fail(error);
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

/// The peer has broken the rules, and what it means by the rest nobody can know.
void H2Connection::break_off(std::uint32_t code, std::string_view why) {
  if (error_) return;
  std::string payload(8, '\0');  // we have taken no stream of its own
  put_h2_number(payload.data() + 4, code);
  put(NGHTTP2_GOAWAY, 0, 0, payload.append(why));
  tcp_->flush();
  fail(broken_protocol(why));
}

/// Streams hear of it at once, the owner in on_news.
void H2Connection::fail(Error error) {
  if (error_) return;
  error_ = std::move(error);
  for (H2Stream* stream : streams_.all()) {
    if (stream->h2_ != this) continue;
    unlink(*stream);
    stream->on_lost(*error_);
  }
}

Error H2Connection::broken_protocol(std::string_view what) const {
  return make_error(ErrorCode::protocol, fmt::format("the connection to {} broke: {}", peer(), what));
}

}  // namespace lgen
