// What the connection of an `h2` channel makes of frames that the rules allow but few servers send, and of such as they
// forbid: it says why, tells the peer, and the next call takes another connection.
#include <algorithm>
#include <atomic>

#include "h2_connection.h"
#include "h2_fixture.h"

using namespace lgen;
using namespace lgen::test;
using Catch::Matchers::Contains;

namespace {

using Misdeed = std::function<void(H2Peer& peer, std::int32_t stream)>;

const H2Peer::Fields kAnswer = {{":status", "200"}, {"content-type", "application/grpc"}};

std::string number(std::uint32_t value) { return H2Peer::big_endian(value, 4); }
std::string setting(std::uint16_t key, std::uint32_t value) { return H2Peer::big_endian(key, 2) + number(value); }

/// A block without Huffman and table: `name: value`, both short.
std::string literal(const std::string& name, const std::string& value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + name + static_cast<char>(value.size()) + value;
}

}  // namespace

TEST_CASE("a peer that breaks the rules of connections is told and left") {
  struct Row {
    const char* says;
    std::uint32_t code;
    Misdeed misdeed;
  };
  const Row rows[] = {
      {"WINDOW_UPDATE by nothing", NGHTTP2_PROTOCOL_ERROR, [](H2Peer& peer, std::int32_t) { peer.window(0, 0); }},
      {"window is too large", NGHTTP2_FLOW_CONTROL_ERROR,
       [](H2Peer& peer, std::int32_t) { peer.window(0, 0x7fffffff); }},
      {"WINDOW_UPDATE for a stream that was never opened", NGHTTP2_PROTOCOL_ERROR,
       [](H2Peer& peer, std::int32_t stream) { peer.window(stream + 2, 1); }},
      {"WINDOW_UPDATE of a wrong size", NGHTTP2_FRAME_SIZE_ERROR,
       [](H2Peer& peer, std::int32_t) { peer.send(NGHTTP2_WINDOW_UPDATE, 0, 0, "12345"); }},
      {"RST_STREAM of a stream never opened", NGHTTP2_PROTOCOL_ERROR,
       [](H2Peer& peer, std::int32_t) { peer.reset(2, 0); }},
      {"RST_STREAM of a wrong size", NGHTTP2_FRAME_SIZE_ERROR,
       [](H2Peer& peer, std::int32_t stream) { peer.send(NGHTTP2_RST_STREAM, 0, stream, ""); }},
      {"PING of a wrong size", NGHTTP2_FRAME_SIZE_ERROR,
       [](H2Peer& peer, std::int32_t) { peer.send(NGHTTP2_PING, 0, 0, "1234567"); }},
      {"PING of a stream", NGHTTP2_PROTOCOL_ERROR,
       [](H2Peer& peer, std::int32_t stream) { peer.send(NGHTTP2_PING, 0, stream, "12345678"); }},
      {"GOAWAY of a wrong size", NGHTTP2_FRAME_SIZE_ERROR,
       [](H2Peer& peer, std::int32_t) { peer.send(NGHTTP2_GOAWAY, 0, 0, "1234567"); }},
      {"SETTINGS of a stream", NGHTTP2_PROTOCOL_ERROR,
       [](H2Peer& peer, std::int32_t stream) { peer.send(NGHTTP2_SETTINGS, 0, stream, ""); }},
      {"SETTINGS of a wrong size", NGHTTP2_FRAME_SIZE_ERROR,
       [](H2Peer& peer, std::int32_t) { peer.send(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "123456"); }},
      {"acknowledges SETTINGS never sent", NGHTTP2_PROTOCOL_ERROR,
       [](H2Peer& peer, std::int32_t) {
         for (int i = 0; i < 2; ++i) peer.send(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "");
       }},
      {"allow a client to push", NGHTTP2_PROTOCOL_ERROR,
       [](H2Peer& peer, std::int32_t) {
         peer.send_settings({{NGHTTP2_SETTINGS_ENABLE_PUSH, 1}});
       }},
      {"an impossible window", NGHTTP2_FLOW_CONTROL_ERROR,
       [](H2Peer& peer, std::int32_t) {
         peer.send_settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1u << 31}});
       }},
      {"make a window too large", NGHTTP2_FLOW_CONTROL_ERROR,
       [](H2Peer& peer, std::int32_t stream) {
         peer.window(stream, 1 << 20);
         peer.send_settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0x7fffffff}});
       }},
      {"an impossible frame size", NGHTTP2_PROTOCOL_ERROR,
       [](H2Peer& peer, std::int32_t) {
         peer.send_settings({{NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 16383}});
       }},
      {"too many SETTINGS", NGHTTP2_ENHANCE_YOUR_CALM,
       [](H2Peer& peer, std::int32_t) {
         std::string many;
         for (int i = 0; i < 101; ++i) many += setting(0x99, 1);
         peer.send(NGHTTP2_SETTINGS, 0, 0, many);
       }},
      {"HEADERS for a stream that was never opened", NGHTTP2_PROTOCOL_ERROR,
       [](H2Peer& peer, std::int32_t stream) { peer.headers(stream + 2, kAnswer); }},
      {"HEADERS for a stream that was never opened", NGHTTP2_PROTOCOL_ERROR,
       [](H2Peer& peer, std::int32_t) { peer.headers(0, kAnswer); }},
      {"padding is longer than its frame", NGHTTP2_PROTOCOL_ERROR,
       [](H2Peer& peer, std::int32_t stream) {
         peer.send(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_PADDED, stream, "\x05\x88");
       }},
      {"DATA for a stream that was never opened", NGHTTP2_PROTOCOL_ERROR,
       [](H2Peer& peer, std::int32_t stream) { peer.data(stream + 2, "x"); }},
      {"DATA before HEADERS", NGHTTP2_PROTOCOL_ERROR,
       [](H2Peer& peer, std::int32_t stream) { peer.data(stream, "x"); }},
      {"padding is longer than its frame", NGHTTP2_PROTOCOL_ERROR,
       [](H2Peer& peer, std::int32_t stream) {
         peer.headers(stream, kAnswer);
         peer.send(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, stream, "\x02x");
       }},
      {"CONTINUATION without HEADERS", NGHTTP2_PROTOCOL_ERROR,
       [](H2Peer& peer, std::int32_t stream) { peer.send(NGHTTP2_CONTINUATION, 4, stream, "\x88"); }},
      {"in the middle of a header block", NGHTTP2_PROTOCOL_ERROR,
       [](H2Peer& peer, std::int32_t stream) {
         peer.send(NGHTTP2_HEADERS, 0, stream, "\x88");
         peer.send(NGHTTP2_PING, 0, 0, "12345678");
       }},
      {"a header block without end", NGHTTP2_ENHANCE_YOUR_CALM,
       [](H2Peer& peer, std::int32_t stream) {
         peer.send(NGHTTP2_HEADERS, 0, stream, "\x88");
         for (int i = 0; i < 65; ++i) peer.send(NGHTTP2_CONTINUATION, 0, stream, "");
       }},
      {"cannot be decoded", NGHTTP2_COMPRESSION_ERROR,
       [](H2Peer& peer, std::int32_t stream) { peer.send(NGHTTP2_HEADERS, 4, stream, "\xff\xff\xff\xff\xff\xff"); }},
      {"cannot be decoded", NGHTTP2_COMPRESSION_ERROR,
       [](H2Peer& peer, std::int32_t stream) {
         peer.send(NGHTTP2_HEADERS, 0, stream, "\x88\x40\x05x");
         peer.send(NGHTTP2_CONTINUATION, 4, stream, "y");
       }},
      {"a frame is larger than we allow", NGHTTP2_FRAME_SIZE_ERROR,
       [](H2Peer& peer, std::int32_t stream) { peer.send(NGHTTP2_DATA, 0, stream, std::string(16385, 'x')); }},
      {"it pushes", NGHTTP2_PROTOCOL_ERROR,
       [](H2Peer& peer, std::int32_t stream) { peer.send(NGHTTP2_PUSH_PROMISE, 4, stream, number(2) + "\x82"); }},
      {"PRIORITY without a stream", NGHTTP2_PROTOCOL_ERROR,
       [](H2Peer& peer, std::int32_t) { peer.send(NGHTTP2_PRIORITY, 0, 0, "12345"); }},
  };
  for (const Row& row : rows) {
    INFO(row.says);
    std::atomic<int> served = 0;
    std::atomic<std::uint32_t> told = 0;
    H2Case c([&](H2Peer& peer) {
      const auto request = peer.next_request();
      if (++served > 1) {
        peer.reply(request.stream, "again");
        return peer.wait_closed();
      }
      row.misdeed(peer, request.stream);
      if (const auto goaway = peer.next(NGHTTP2_GOAWAY)) told = goaway->number(4);
    });
    const Reply reply = c.call();
    CHECK(reply.status.code == GrpcCode::unavailable);
    CHECK_THAT(reply.status.message, Contains("broke: ") && Contains(row.says));
    CHECK(c.call().bytes == "again");
    CHECK(told == row.code);
  }
}

TEST_CASE("what the rules allow is understood, be it as rare as it may") {
  H2Case c([](H2Peer& peer) {
    for (auto request = peer.next_request(); request.stream != 0; request = peer.next_request()) {
      const std::int32_t stream = request.stream;
      peer.send(0x42, 0xff, stream, "an extension");
      peer.send(NGHTTP2_PRIORITY, 0, stream, "12345");
      peer.window(1, 5);  // most often gone by now
      peer.send_settings({{NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 1 << 20}, {0x99, 7}});
      // With padding and priority, in three pieces.
      const std::string status = "\x88", type = literal("content-type", "application/grpc"), mine = literal("x-a", "b");
      const std::string begin = std::string(1, '\3') + std::string(5, '\0') + status + type.substr(0, 4) + "pad";
      peer.send(NGHTTP2_HEADERS, NGHTTP2_FLAG_PADDED | NGHTTP2_FLAG_PRIORITY, stream, begin);
      peer.send(NGHTTP2_CONTINUATION, 0, stream, "");
      peer.send(NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, stream, type.substr(4) + mine);
      const std::string reply = H2Peer::framed("a reply");
      peer.send(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, stream, std::string(1, '\4') + reply.substr(0, 7) + "padd");
      peer.send(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, stream, std::string(1, '\0'));
      peer.data(stream, "");
      peer.data(stream, reply.substr(7));
      peer.trailers(stream);
      peer.reset(stream, NGHTTP2_NO_ERROR);  // it is over
    }
  });
  for (int i = 0; i < 3; ++i) {
    const Reply reply = c.call();
    INFO(reply.status.message);
    CHECK(reply.bytes == "a reply");
    CHECK(reply.headers == Metadata{{"x-a", "b"}});
    CHECK(reply.connection == 1);
  }
}

TEST_CASE("padding is used as soon as it has come: it does not close the window") {
  constexpr int kFrames = 12'000;  // of a hundred bytes: more than a stream's window of a megabyte
  H2Case c([](H2Peer& peer) {
    const auto request = peer.next_request();
    peer.answer(request.stream);
    std::string all;
    const std::string padded = std::string(1, '\x63') + std::string(99, '\0');
    for (int i = 0; i < kFrames; ++i) all += H2Peer::frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, request.stream, padded);
    peer.write(all.substr(0, all.size() / 2));
    const auto window = peer.next(NGHTTP2_WINDOW_UPDATE);
    peer.write(all.substr(all.size() / 2));
    peer.data(request.stream, H2Peer::framed(window && window->stream == request.stream ? "told" : "not told"));
    peer.trailers(request.stream);
    peer.wait_closed();
  });
  CHECK(c.call().bytes == "told");
}

TEST_CASE("a peer that fills a stream's window twice loses the stream and nothing else") {
  H2Case c([](H2Peer& peer) {
    auto request = peer.next_request();
    peer.answer(request.stream);
    // A body that is no message yet, so that nothing of it is used up.
    std::string bytes = H2Peer::framed(std::string(8 << 20, 'x'));
    for (std::size_t at = 0; at < bytes.size(); at += 16384) peer.data(request.stream, bytes.substr(at, 16384));
    const auto reset = peer.next(NGHTTP2_RST_STREAM);
    request = peer.next_request();
    peer.reply(request.stream, reset ? h2_error_name(reset->number()).data() : "");
    peer.wait_closed();
  });
  Stream stream(*c.channel, kMethod, MethodKind::bidi);
  stream.handle->half_close();
  c.f.until([&] { return stream.done; });
  CHECK(stream.result.status.code == GrpcCode::internal);
  CHECK(c.call().bytes == "FLOW_CONTROL_ERROR");
  CHECK(c.channel->connections() == 1);
}

TEST_CASE("a stream with nothing to say while others use up the connection's window can still speak later") {
  H2Case c([](H2Peer& peer) {
    std::size_t taken = 0;
    while (const auto frame = peer.read_frame()) {
      if (frame->type != NGHTTP2_DATA) continue;
      taken += frame->payload.size();
      if (taken == 65535) peer.window(0, 1 << 30);
      if ((frame->flags & NGHTTP2_FLAG_END_STREAM) == 0) continue;
      peer.answer(frame->stream);
      peer.trailers(frame->stream);
    }
  });
  REQUIRE(c.f.wait_ready(*c.channel).ok());
  Stream quiet(*c.channel, kMethod, MethodKind::bidi);
  REQUIRE(quiet.handle->send("a word") == GrpcStream::Sent::accepted);
  std::vector<std::unique_ptr<Stream>> loud;
  for (int i = 0; i < 4; ++i) {  // a frame of each, and the window is closed before anybody has a second turn
    loud.push_back(std::make_unique<Stream>(*c.channel, kMethod, MethodKind::bidi));
    REQUIRE(loud.back()->handle->send(std::string(20'000, 'x')) == GrpcStream::Sent::accepted);
    loud.back()->handle->half_close();
  }
  c.f.until([&] { return std::all_of(loud.begin(), loud.end(), [](const auto& one) { return one->done; }); });
  REQUIRE(quiet.handle->send("another") == GrpcStream::Sent::accepted);
  quiet.handle->half_close();
  c.f.until([&] { return quiet.done; });
  CHECK(quiet.result.status.ok());
  CHECK(quiet.result.written == 2);
  CHECK(quiet.result.stalls == 0);
  for (const auto& one : loud) CHECK(one->result.stalls <= 1);
}

TEST_CASE("a peer that asks without end and takes no answer is left") {
  std::atomic<int> served = 0;
  H2Case c([&](H2Peer& peer) {
    const auto request = peer.next_request();
    if (++served > 1) return peer.reply(request.stream, "again");
    std::string pings;
    for (int i = 0; i < 10'000; ++i) pings += H2Peer::frame(NGHTTP2_PING, 0, 0, "12345678");
    for (int i = 0; i < 400; ++i) peer.write(pings);  // at once, when the connection is gone
  });
  CHECK_THAT(c.call().status.message, Contains("it asks without end"));
  CHECK(c.call().bytes == "again");
}
