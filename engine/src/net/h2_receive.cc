// What a peer sends, frame by frame, held to RFC 9113. Numbers in comments are its sections.
#include <algorithm>
#include <limits>
#include <utility>

#include "h2_connection.h"
#include "peer_text.h"

namespace lgen {
namespace {

constexpr std::int64_t kMostWindow = std::numeric_limits<std::int32_t>::max();
constexpr std::uint32_t kLargestFrame = (1u << 24) - 1;
constexpr int kMostContinuations = 64;      // of one block
constexpr std::size_t kMostSettings = 100;  // of one frame

/// Takes padding and, of HEADERS, priority off a payload (6.1, 6.2). false: they are longer than it is.
bool strip(const H2Head& head, std::string_view& payload) {
  std::size_t padding = 0, front = 0;
  if (head.has(NGHTTP2_FLAG_PADDED)) {
    if (payload.empty()) return false;
    padding = static_cast<unsigned char>(payload[0]);
    front = 1;
  }
  if (head.type == NGHTTP2_HEADERS && head.has(NGHTTP2_FLAG_PRIORITY)) front += 5;
  if (front + padding > payload.size()) return false;
  payload.remove_prefix(front);
  payload.remove_suffix(padding);
  return true;
}

}  // namespace

void H2Connection::on_data(std::string_view bytes) {
  if (error_) return;
  received_at_ = context_->loop().precise_now();
  receiving_ = true;
  if (settings_at_ == TimePoint{} && bytes.starts_with("HTTP/1")) fail(broken_protocol("it speaks HTTP/1, not HTTP/2"));
  H2Part part;
  while (!error_ && frames_.next(bytes, part)) take(part);
  if (!error_ && unconsumed_ >= consume_at_) {
    receive_window_ += static_cast<std::int64_t>(unconsumed_);
    put_number(NGHTTP2_WINDOW_UPDATE, 0, static_cast<std::uint32_t>(std::exchange(unconsumed_, 0)));
  }
  if (goaway_ && streams_.size() == 0) fail(ended_by_peer());
  receiving_ = false;
  news_.disarm();
  events_.on_news();  // last: it may destroy this
}

/// What holds for frames of any kind (4.1, 4.2, 6.10, 3.4).
bool H2Connection::fits(const H2Part& part) {
  const H2Head& head = part.head;
  if (settings_at_ == TimePoint{} && (head.type != NGHTTP2_SETTINGS || head.has(NGHTTP2_FLAG_ACK))) {
    break_off(NGHTTP2_PROTOCOL_ERROR, "its first frame is no SETTINGS");
  } else if (part.too_large) {
    break_off(NGHTTP2_FRAME_SIZE_ERROR, "a frame is larger than we allow");
  } else if (block_of_ != 0 && (head.type != NGHTTP2_CONTINUATION || head.stream != block_of_)) {
    break_off(NGHTTP2_PROTOCOL_ERROR, "another frame comes in the middle of a header block");
  }
  return !error_;
}

void H2Connection::take(const H2Part& part) {
  if (!fits(part)) return;
  switch (part.head.type) {
    case NGHTTP2_DATA:
      return data_received(part);
    case NGHTTP2_HEADERS:
      return headers_received(part);
    case NGHTTP2_CONTINUATION:
      return continuation_received(part);
    case NGHTTP2_SETTINGS:
      return settings_received(part);
    case NGHTTP2_PING:
      return ping_received(part);
    case NGHTTP2_GOAWAY:
      return goaway_received(part);
    case NGHTTP2_RST_STREAM:
      return reset_received(part);
    case NGHTTP2_WINDOW_UPDATE:
      return window_received(part);
    case NGHTTP2_PUSH_PROMISE:
      return break_off(NGHTTP2_PROTOCOL_ERROR, "it pushes, which we do not allow");
    case NGHTTP2_PRIORITY:
      if (part.head.stream == 0) return break_off(NGHTTP2_PROTOCOL_ERROR, "PRIORITY without a stream");
      return;
    default:
      return;  // of an extension
  }
}

// ---- DATA ----

void H2Connection::data_received(const H2Part& part) {
  std::string_view bytes = part.bytes;
  if (part.first && !begin_data(part.head, bytes)) return;
  bytes = bytes.substr(0, body_left_);
  body_left_ -= bytes.size();
  H2Stream* stream = find(part.head.stream);
  if (stream != nullptr && !bytes.empty()) {
    stream->on_data(bytes);
    stream = find(part.head.stream);  // it may have had itself reset
  }
  if (stream != nullptr && part.last && part.head.has(NGHTTP2_FLAG_END_STREAM)) stream_ended(*stream);
}

/// Padding counts as received and is used at once (6.9.1). false: the connection is over.
bool H2Connection::begin_data(const H2Head& head, std::string_view& bytes) {
  const std::size_t before = bytes.size();
  std::size_t padding = 0;
  if (head.has(NGHTTP2_FLAG_PADDED)) {
    padding = bytes.empty() ? head.size : static_cast<unsigned char>(bytes[0]);
    if (padding >= head.size) return break_off(NGHTTP2_PROTOCOL_ERROR, "padding is longer than its frame"), false;
    bytes.remove_prefix(1);
  }
  const std::size_t extra = padding + before - bytes.size();
  body_left_ = head.size - extra;
  unconsumed_ += head.size;
  receive_window_ -= static_cast<std::int64_t>(head.size);
  H2Stream* stream = find(head.stream);
  if (receive_window_ < 0) {
    break_off(NGHTTP2_FLOW_CONTROL_ERROR, "it sends more than the connection's window takes");
  } else if (stream == nullptr) {
    if (is_idle(head.stream)) break_off(NGHTTP2_PROTOCOL_ERROR, "DATA for a stream that was never opened");
  } else if (!stream->answered_) {
    break_off(NGHTTP2_PROTOCOL_ERROR, "DATA before HEADERS");
  } else if (stream->peer_ended_) {
    break_off(NGHTTP2_STREAM_CLOSED, "DATA after the end of its stream");
  } else if ((stream->receive_window_ -= static_cast<std::int32_t>(head.size)) < 0) {
    break_stream(*stream, NGHTTP2_FLOW_CONTROL_ERROR);
  } else if (extra > 0) {
    consume(*stream, extra);
  }
  return !error_;
}

/// Both sides are through: nothing more is said about it.
void H2Connection::stream_ended(H2Stream& stream) {
  stream.peer_ended_ = true;
  stream.on_end();
  if (stream.h2_ == this && stream.ended_) close_stream(stream, NGHTTP2_NO_ERROR);
}

// ---- HEADERS ----

void H2Connection::headers_received(const H2Part& part) {
  const H2Head& head = part.head;
  std::string_view payload = part.bytes;
  if (is_idle(head.stream)) return break_off(NGHTTP2_PROTOCOL_ERROR, "HEADERS for a stream that was never opened");
  if (!strip(head, payload)) return break_off(NGHTTP2_PROTOCOL_ERROR, "padding is longer than its frame");
  const H2Stream* stream = find(head.stream);
  if (stream != nullptr && stream->peer_ended_) {
    return break_off(NGHTTP2_STREAM_CLOSED, "HEADERS after the end of their stream");
  }
  block_ends_ = head.has(NGHTTP2_FLAG_END_STREAM);
  if (head.has(NGHTTP2_FLAG_END_HEADERS)) return block_received(head.stream, reader_.read(payload), true);
  block_of_ = head.stream;
  continuations_ = 0;
  block_received(head.stream, reader_.read_piece(payload, true, false), false);
}

void H2Connection::continuation_received(const H2Part& part) {
  if (block_of_ == 0) return break_off(NGHTTP2_PROTOCOL_ERROR, "CONTINUATION without HEADERS");
  if (++continuations_ > kMostContinuations) return break_off(NGHTTP2_ENHANCE_YOUR_CALM, "a header block without end");
  const bool last = part.head.has(NGHTTP2_FLAG_END_HEADERS);
  if (last) block_of_ = 0;
  block_received(part.head.stream, reader_.read_piece(part.bytes, false, last), last);
}

/// It had to be decoded, whether or not somebody still wants it: later ones refer to it. One that is too large is told
/// before it is complete.
void H2Connection::block_received(std::int32_t id, H2Block* block, bool complete) {
  if (block == nullptr)
    return break_off(NGHTTP2_COMPRESSION_ERROR, "a header block cannot be decoded, or has a field of more than 64 KiB");
  H2Stream* stream = find(id);
  if (stream == nullptr || (!complete && !block->truncated)) return;
  stream->answered_ = true;
  stream->on_headers(*block, complete && block_ends_);
  stream = find(id);
  if (stream != nullptr && complete && block_ends_) stream_ended(*stream);
}

// ---- the others ----

void H2Connection::settings_received(const H2Part& part) {
  if (part.head.stream != 0) return break_off(NGHTTP2_PROTOCOL_ERROR, "SETTINGS of a stream");
  if (part.head.has(NGHTTP2_FLAG_ACK)) {
    if (!part.bytes.empty()) return break_off(NGHTTP2_FRAME_SIZE_ERROR, "SETTINGS of a wrong size");
    if (settings_unacked_-- <= 0) return break_off(NGHTTP2_PROTOCOL_ERROR, "it acknowledges SETTINGS never sent");
    return;
  }
  if (part.bytes.size() % 6 != 0) return break_off(NGHTTP2_FRAME_SIZE_ERROR, "SETTINGS of a wrong size");
  if (part.bytes.size() > 6 * kMostSettings) return break_off(NGHTTP2_ENHANCE_YOUR_CALM, "too many SETTINGS");
  for (std::string_view left = part.bytes; !left.empty() && !error_; left.remove_prefix(6)) {
    set(static_cast<std::uint16_t>(h2_number(left.data()) >> 16), h2_number(left.data() + 2));
  }
  if (error_) return;
  if (settings_at_ == TimePoint{}) settings_at_ = received_at_;
  answer(NGHTTP2_SETTINGS, {});
}

/// 6.5.2
void H2Connection::set(std::uint16_t key, std::uint32_t value) {
  switch (key) {
    case NGHTTP2_SETTINGS_HEADER_TABLE_SIZE:
      return writer_.set_table_size(value);
    case NGHTTP2_SETTINGS_ENABLE_PUSH:
      if (value != 0) break_off(NGHTTP2_PROTOCOL_ERROR, "SETTINGS allow a client to push");
      return;
    case NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS:
      max_streams_ = value;
      return;
    case NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE:
      return set_initial_window(value);
    case NGHTTP2_SETTINGS_MAX_FRAME_SIZE:
      if (value < kH2MostFrame || value > kLargestFrame) {
        break_off(NGHTTP2_PROTOCOL_ERROR, "SETTINGS with an impossible frame size");
      }
      return;  // ours stay small, so that streams take turns
    default:
      return;
  }
}

/// It moves the windows of streams that are open, too; they may become negative (6.9.2).
void H2Connection::set_initial_window(std::uint32_t size) {
  if (size > kMostWindow) return break_off(NGHTTP2_FLOW_CONTROL_ERROR, "SETTINGS with an impossible window");
  const std::int64_t change = std::int64_t{size} - peer_window_;
  peer_window_ = static_cast<std::int32_t>(size);
  for (H2Stream* stream : streams_.all()) {
    const std::int64_t window = stream->send_window_ + change;
    if (window > kMostWindow) return break_off(NGHTTP2_FLOW_CONTROL_ERROR, "SETTINGS make a window too large");
    stream->send_window_ = static_cast<std::int32_t>(window);
  }
  if (change > 0 && !sending_.empty()) want_write();
}

void H2Connection::ping_received(const H2Part& part) {
  if (part.head.stream != 0) return break_off(NGHTTP2_PROTOCOL_ERROR, "PING of a stream");
  if (part.bytes.size() != 8) return break_off(NGHTTP2_FRAME_SIZE_ERROR, "PING of a wrong size");
  if (!part.head.has(NGHTTP2_FLAG_ACK)) return answer(NGHTTP2_PING, part.bytes);
  pong_at_ = received_at_;
}

/// Streams above its last one were not looked at (6.8).
void H2Connection::goaway_received(const H2Part& part) {
  if (part.head.stream != 0) return break_off(NGHTTP2_PROTOCOL_ERROR, "GOAWAY of a stream");
  if (part.bytes.size() < 8) return break_off(NGHTTP2_FRAME_SIZE_ERROR, "GOAWAY of a wrong size");
  const auto last = static_cast<std::int32_t>(h2_number(part.bytes.data()) & 0x7fffffff);
  if (goaway_ && last > goaway_->last_stream) {
    return break_off(NGHTTP2_PROTOCOL_ERROR, "GOAWAY takes back what it has refused");
  }
  goaway_ = H2Goaway{last, h2_number(part.bytes.data() + 4), visible(part.bytes.substr(8))};
  for (H2Stream* stream : streams_.all()) {
    if (stream->h2_ == this && stream->id_ > last) close_stream(*stream, NGHTTP2_REFUSED_STREAM);
  }
}

void H2Connection::reset_received(const H2Part& part) {
  if (part.bytes.size() != 4) return break_off(NGHTTP2_FRAME_SIZE_ERROR, "RST_STREAM of a wrong size");
  if (is_idle(part.head.stream)) return break_off(NGHTTP2_PROTOCOL_ERROR, "RST_STREAM of a stream never opened");
  if (H2Stream* stream = find(part.head.stream)) close_stream(*stream, h2_number(part.bytes.data()));
}

/// 6.9
void H2Connection::window_received(const H2Part& part) {
  const std::int32_t id = part.head.stream;
  if (part.bytes.size() != 4) return break_off(NGHTTP2_FRAME_SIZE_ERROR, "WINDOW_UPDATE of a wrong size");
  const std::int64_t more = h2_number(part.bytes.data()) & 0x7fffffff;
  if (more == 0) return break_off(NGHTTP2_PROTOCOL_ERROR, "WINDOW_UPDATE by nothing");
  if (id == 0) {
    send_window_ += more;
    if (send_window_ > kMostWindow)
      return break_off(NGHTTP2_FLOW_CONTROL_ERROR, "the connection's window is too large");
  } else if (is_idle(id)) {
    return break_off(NGHTTP2_PROTOCOL_ERROR, "WINDOW_UPDATE for a stream that was never opened");
  } else if (H2Stream* stream = find(id)) {
    if (stream->send_window_ + more > kMostWindow) return break_stream(*stream, NGHTTP2_FLOW_CONTROL_ERROR);
    stream->send_window_ += static_cast<std::int32_t>(more);
  }
  if (!sending_.empty()) want_write();
}

}  // namespace lgen
