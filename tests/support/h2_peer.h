// The server's side of an HTTP/2 connection, frame by frame and as wrong as a test wants it: it speaks on a blocking
// socket, encodes headers as plain literals and checks nothing.
// Thread: a ScriptedListener's.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <sys/socket.h>

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lgen::test {

class H2Peer {
 public:
  struct Frame {
    std::uint8_t type = 0;
    std::uint8_t flags = 0;
    std::int32_t stream = 0;
    std::string payload;

    std::uint32_t number(std::size_t at = 0) const {
      std::uint32_t value = 0;
      for (std::size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<unsigned char>(payload[i]);
      return value;
    }
  };
  struct Field {
    std::string name, value;
    bool never_indexed = false;
    bool operator==(const Field&) const = default;
  };
  struct Request {
    std::int32_t stream = 0;  // 0: the client has gone
    std::vector<Field> fields;
    std::string body;

    std::string field(std::string_view name) const {
      for (const Field& one : fields) {
        if (one.name == name) return one.value;
      }
      return {};
    }
  };
  using Fields = std::vector<std::pair<std::string, std::string>>;
  using Settings = std::vector<std::pair<std::uint16_t, std::uint32_t>>;

  /// `dribble`: everything leaves byte by byte.
  explicit H2Peer(int fd, bool dribble = false) : fd_(fd), dribble_(dribble) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // or every frame waits for the last one's ACK
    nghttp2_hd_inflate_new(&inflater_);
  }
  ~H2Peer() { nghttp2_hd_inflate_del(inflater_); }
  H2Peer(const H2Peer&) = delete;
  H2Peer& operator=(const H2Peer&) = delete;

  /// Takes the client's greeting and gives ours.
  void greet(const Settings& settings = {}) {
    read_bytes(24);
    send_settings(settings);
  }
  void send_settings(const Settings& settings) {
    std::string payload;
    for (const auto& [key, value] : settings) payload += big_endian(key, 2) + big_endian(value, 4);
    send(NGHTTP2_SETTINGS, 0, 0, payload);
  }

  /// The next request whose body has ended, or (`whole` false) whose headers are there. SETTINGS and PING are answered
  /// on the way, other frames are kept in `seen`.
  Request next_request(bool whole = true) {
    while (const auto frame = read_frame()) {
      Request& request = open_[frame->stream];
      if (frame->type == NGHTTP2_HEADERS) {
        request.stream = frame->stream;
        request.fields = inflate(frame->payload);
        if (!whole) return request;
      }
      if (frame->type == NGHTTP2_DATA) request.body += frame->payload;
      const bool carries = frame->type == NGHTTP2_HEADERS || frame->type == NGHTTP2_DATA;
      if (carries && (frame->flags & NGHTTP2_FLAG_END_STREAM) != 0) return std::exchange(request, {});
    }
    return {};
  }
  /// The next frame of `type`; nothing: the client has gone.
  std::optional<Frame> next(std::uint8_t type) {
    while (auto frame = read_frame()) {
      if (frame->type == type && !(type == NGHTTP2_SETTINGS && (frame->flags & NGHTTP2_FLAG_ACK) != 0)) return frame;
    }
    return std::nullopt;
  }
  std::optional<Frame> read_frame() {
    const std::string head = read_bytes(9);
    if (head.size() < 9) return std::nullopt;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(head[i]); };
    Frame frame{byte(3), byte(4), (byte(5) & 0x7f) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8), {}};
    frame.payload = read_bytes(static_cast<std::size_t>(byte(0) << 16 | byte(1) << 8 | byte(2)));
    const bool ack = (frame.flags & NGHTTP2_FLAG_ACK) != 0;
    if (frame.type == NGHTTP2_SETTINGS && !ack) send(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "");
    if (frame.type == NGHTTP2_PING && !ack && answer_pings) send(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, frame.payload);
    return frame;
  }
  /// Sends no more, and waits until the client has closed: what was sent arrives whatever it has sent itself.
  void hang_up() {
    ::shutdown(fd_, SHUT_WR);
    wait_closed();
  }
  void wait_closed() {
    while (read_frame()) {
    }
  }

  static std::string frame(std::uint8_t type, std::uint8_t flags, std::int32_t stream, std::string_view payload) {
    return big_endian(static_cast<std::uint32_t>(payload.size()), 3) + static_cast<char>(type) +
           static_cast<char>(flags) + big_endian(static_cast<std::uint32_t>(stream), 4) + std::string(payload);
  }
  void send(std::uint8_t type, std::uint8_t flags, std::int32_t stream, std::string_view payload) {
    write(frame(type, flags, stream, payload));
  }
  void headers(std::int32_t stream, const Fields& fields, bool end = false) {
    std::string block;
    for (const auto& [name, value] : fields) block += std::string(1, '\0') + literal(name) + literal(value);
    send(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | (end ? NGHTTP2_FLAG_END_STREAM : 0), stream, block);
  }
  void data(std::int32_t stream, std::string_view bytes, bool end = false) {
    send(NGHTTP2_DATA, end ? NGHTTP2_FLAG_END_STREAM : 0, stream, bytes);
  }
  /// What a gRPC server begins and ends with.
  void answer(std::int32_t stream, const Fields& more = {}) {
    Fields fields = {{":status", "200"}, {"content-type", "application/grpc"}};
    fields.insert(fields.end(), more.begin(), more.end());
    headers(stream, fields);
  }
  void trailers(std::int32_t stream, const Fields& more = {}, const std::string& status = "0") {
    Fields fields = {{"grpc-status", status}};
    fields.insert(fields.end(), more.begin(), more.end());
    headers(stream, fields, true);
  }
  void reply(std::int32_t stream, const std::string& message) {
    answer(stream);
    data(stream, framed(message));
    trailers(stream);
  }
  void reset(std::int32_t stream, std::uint32_t code) { send(NGHTTP2_RST_STREAM, 0, stream, big_endian(code, 4)); }
  void goaway(std::uint32_t last_stream, std::uint32_t code, std::string_view text = {}) {
    send(NGHTTP2_GOAWAY, 0, 0, big_endian(last_stream, 4) + big_endian(code, 4) + std::string(text));
  }
  void window(std::int32_t stream, std::uint32_t bytes) {
    send(NGHTTP2_WINDOW_UPDATE, 0, stream, big_endian(bytes, 4));
  }
  void write(const std::string& bytes) {
    const std::size_t step = dribble_ ? 1 : bytes.size();
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      ::send(fd_, bytes.data() + at, step, MSG_NOSIGNAL);
    }
  }

  static std::string framed(const std::string& message, bool packed = false) {
    return std::string(1, packed ? 1 : 0) + big_endian(static_cast<std::uint32_t>(message.size()), 4) + message;
  }
  static std::string big_endian(std::uint32_t value, int bytes) {
    std::string text;
    for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
    return text;
  }

  bool answer_pings = true;

 private:
  std::string read_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    std::size_t have = 0;
    while (have < count) {
      const ssize_t got = ::recv(fd_, bytes.data() + have, count - have, 0);
      if (got <= 0) break;
      have += static_cast<std::size_t>(got);
    }
    bytes.resize(have);
    return bytes;
  }
  /// HPACK's string without Huffman; its length takes 7 bits and then groups of 7.
  static std::string literal(const std::string& text) {
    std::string out;
    std::size_t size = text.size();
    if (size < 127) {
      out += static_cast<char>(size);
    } else {
      out += '\x7f';
      for (size -= 127; size >= 128; size /= 128) out += static_cast<char>(size % 128 + 128);
      out += static_cast<char>(size);
    }
    return out + text;
  }
  std::vector<Field> inflate(const std::string& block) {
    std::vector<Field> fields;
    const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
    std::size_t left = block.size();
    for (;;) {
      nghttp2_nv nv{};
      int flags = 0;
      const ssize_t used = nghttp2_hd_inflate_hd2(inflater_, &nv, &flags, at, left, 1);
      if (used < 0) break;
      at += used;
      left -= static_cast<std::size_t>(used);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        fields.push_back({std::string(reinterpret_cast<char*>(nv.name), nv.namelen),
                          std::string(reinterpret_cast<char*>(nv.value), nv.valuelen),
                          (nv.flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0});
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    }
    nghttp2_hd_inflate_end_headers(inflater_);
    return fields;
  }

  int fd_;
  bool dribble_;
  nghttp2_hd_inflater* inflater_ = nullptr;
  std::map<std::int32_t, Request> open_;
};

inline void answer(H2Peer& peer, std::int32_t stream) { peer.headers(stream, {{":status", "200"}}, true); }

/// Answers everything until the client goes.
inline void behave(H2Peer& peer) {
  for (H2Peer::Request request; (request = peer.next_request()).stream != 0;) answer(peer, request.stream);
}

}  // namespace lgen::test
