// Streams over `h2` against a server that plays every part of the protocol by hand.
#include <atomic>

#include "h2_fixture.h"

using namespace lgen;
using namespace lgen::test;
using namespace std::chrono_literals;

namespace {

/// accepted = written + discarded, whatever happened.
void check_conservation(const Stream& stream) {
  REQUIRE(stream.done);
  CHECK(stream.result.accepted == stream.result.written + stream.result.discarded);
}

}  // namespace

TEST_CASE("messages go out as they are sent, replies come one for each read") {
  std::string body;
  {
    H2Case c([&](H2Peer& peer) {
      const auto head = peer.next_request(false);
      peer.answer(head.stream, {{"x-backend", "pod"}});
      peer.data(head.stream, H2Peer::framed("a") + H2Peer::framed("b").substr(0, 2));
      peer.data(head.stream, H2Peer::framed("b").substr(2) + H2Peer::framed("c"));
      body = peer.next_request().body;
      peer.trailers(head.stream);
      peer.wait_closed();
    });
    Stream stream(*c.channel, kMethod, MethodKind::bidi);
    stream.keep_reading = false;
    CHECK(stream.handle->send("one") == GrpcStream::Sent::accepted);
    CHECK(stream.handle->send("") == GrpcStream::Sent::accepted);
    c.f.until([&] { return !stream.headers.empty(); });
    CHECK(stream.headers == Metadata{{"x-backend", "pod"}});
    CHECK(stream.connection == 1);
    c.f.rest(5ms);
    CHECK(stream.messages.empty());  // nobody has asked
    for (std::size_t i = 1; i <= 3; ++i) {
      stream.handle->read();
      CHECK(stream.messages.size() == i - 1);  // never inside the call
      c.f.until([&] { return stream.messages.size() == i; });
    }
    stream.handle->half_close();
    CHECK(stream.handle->send("late") == GrpcStream::Sent::ended);
    c.f.until([&] { return stream.done; });
    CHECK(stream.messages == std::vector<std::string>{"a", "b", "c"});
    CHECK(stream.result.status.ok());
    CHECK(stream.result.written == 2);
    CHECK(stream.result.received == 3);
    check_conservation(stream);
  }
  CHECK(body == H2Peer::framed("one") + H2Peer::framed(""));
}

TEST_CASE("headers are those of their own stream from the first to the end, alike or not") {
  H2Case c([](H2Peer& peer) {
    std::vector<std::int32_t> streams;
    for (const char* pod : {"a", "a", "a pod with a longer name than the others", "a"}) {
      streams.push_back(peer.next_request(false).stream);
      peer.answer(streams.back(), {{"x-backend", pod}, {"x-zone", "1"}});
    }
    for (const std::int32_t stream : streams) peer.trailers(stream, {{"x-cost", std::to_string(stream)}});
    peer.wait_closed();
  });
  std::vector<std::unique_ptr<Stream>> streams;
  for (const char* pod : {"a", "a", "a pod with a longer name than the others", "a"}) {
    streams.push_back(std::make_unique<Stream>(*c.channel, kMethod, MethodKind::bidi));
    Stream& stream = *streams.back();
    c.f.until([&] { return !stream.headers.empty(); });
    CHECK(stream.headers == Metadata{{"x-backend", pod}, {"x-zone", "1"}});
  }
  for (std::size_t i = 0; i < streams.size(); ++i) {
    Stream& stream = *streams[i];
    c.f.until([&] { return stream.done; });
    CHECK(stream.result.status.ok());
    CHECK(stream.headers_at_end == stream.headers);
    CHECK(stream.trailers == Metadata{{"x-cost", std::to_string(2 * i + 1)}});
  }
}

TEST_CASE("a peer with small windows is felt: the buffer fills, the stall is counted, room is told") {
  std::atomic<std::size_t> taken = 0;
  {
    H2Case c([&](H2Peer& peer) {
      const auto head = peer.next_request(false);
      std::size_t fresh = 0;
      while (const auto frame = peer.read_frame()) {
        if (frame->type != NGHTTP2_DATA) continue;
        taken += frame->payload.size();
        fresh += frame->payload.size();
        if ((frame->flags & NGHTTP2_FLAG_END_STREAM) != 0) break;
        if (fresh < 65'535) continue;  // the window is used up
        peer.window(0, static_cast<std::uint32_t>(fresh));
        peer.window(head.stream, static_cast<std::uint32_t>(fresh));
        fresh = 0;
      }
      peer.answer(head.stream);
      peer.data(head.stream, H2Peer::framed("sum"));
      peer.trailers(head.stream);
      peer.wait_closed();
    });
    Stream stream(*c.channel, kMethod, MethodKind::client);
    stream.handle->read();
    const std::string message(1000, 'm');
    int sent = 0;
    bool was_full = false;
    while (sent < 500) {
      const auto result = stream.handle->send(message);
      if (result == GrpcStream::Sent::accepted) {
        ++sent;
        continue;
      }
      was_full = true;
      const int before = stream.writable;
      c.f.until([&] { return stream.writable > before; });
    }
    stream.handle->half_close();
    c.f.until([&] { return stream.done; });
    CHECK(was_full);
    CHECK(stream.result.status.ok());
    CHECK(stream.messages == std::vector<std::string>{"sum"});
    CHECK(stream.result.written == 500);
    CHECK(stream.result.stalls > 0);
    check_conservation(stream);
  }
  CHECK(taken == 500 * 1005);
}

TEST_CASE("the end of a stream goes without a window, and what fills a window waits for nothing") {
  const std::string message = GENERATE(std::string(), std::string("abc"));  // none, or one as large as the window
  const auto window = static_cast<std::uint32_t>(message.empty() ? 0 : H2Peer::framed(message).size());
  std::string body;
  {
    H2Case c(
        [&](H2Peer& peer) {
          const auto head = peer.next_request(false);
          peer.answer(head.stream);
          body = peer.next_request().body;
          peer.trailers(head.stream);
          peer.wait_closed();
        },
        {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}});
    Stream stream(*c.channel, kMethod, MethodKind::client);
    if (!message.empty()) CHECK(stream.handle->send(message) == GrpcStream::Sent::accepted);
    c.f.until([&] { return stream.connection == 1; });
    stream.handle->half_close();
    c.f.until([&] { return stream.done; });
    CHECK(stream.result.status.ok());
    CHECK(stream.result.stalls == 0);
    check_conservation(stream);
  }
  CHECK(body == (message.empty() ? "" : H2Peer::framed(message)));
}

TEST_CASE("a server that ends a stream early gets no more; what was buffered is discarded") {
  H2Case c([](H2Peer& peer) {
    const auto head = peer.next_request(false);
    peer.answer(head.stream);
    peer.trailers(head.stream, {{"grpc-message", "enough"}}, "8");
    peer.wait_closed();
  });
  Stream stream(*c.channel, kMethod, MethodKind::client);
  const std::string message(60'000, 'm');
  while (stream.handle->send(message) == GrpcStream::Sent::accepted) {
  }
  c.f.until([&] { return stream.done; });
  CHECK(stream.result.status.code == GrpcCode::resource_exhausted);
  CHECK(stream.result.status.message == "enough");
  CHECK(stream.handle->send("x") == GrpcStream::Sent::ended);
  check_conservation(stream);
}

TEST_CASE("streams end whole however they end") {
  struct Row {
    const char* scenario;
    std::function<void(H2Peer&, std::int32_t)> end;
    GrpcCode code;
  };
  const Row rows[] = {{"reset",
                       [](H2Peer& peer, std::int32_t id) {
                         peer.reset(id, NGHTTP2_CANCEL);
                         peer.wait_closed();
                       },
                       GrpcCode::cancelled},
                      {"closed", [](H2Peer&, std::int32_t) {}, GrpcCode::unavailable},
                      {"half a message",
                       [](H2Peer& peer, std::int32_t id) {
                         peer.data(id, H2Peer::framed("abc").substr(0, 7));
                         peer.trailers(id);
                         peer.wait_closed();
                       },
                       GrpcCode::internal},
                      {"no message",
                       [](H2Peer& peer, std::int32_t id) {
                         peer.data(id, "nonsense");
                         peer.wait_closed();
                       },
                       GrpcCode::internal}};
  for (const Row& row : rows) {
    INFO(row.scenario);
    H2Case c([&](H2Peer& peer) {
      const auto head = peer.next_request(false);
      peer.answer(head.stream);
      row.end(peer, head.stream);
    });
    Stream stream(*c.channel, kMethod, MethodKind::bidi);
    stream.handle->read();
    stream.handle->send("one");
    c.f.until([&] { return stream.done; });
    INFO(stream.result.status.message);
    CHECK(stream.result.status.code == row.code);
    CHECK(stream.messages.empty());
    check_conservation(stream);
  }
}

TEST_CASE("messages that came before a good end are read before it") {
  H2Case c([](H2Peer& peer) {
    const auto head = peer.next_request(false);
    peer.answer(head.stream);
    for (int i = 0; i < 10; ++i) peer.data(head.stream, H2Peer::framed(std::to_string(i)));
    peer.trailers(head.stream);
    peer.wait_closed();
  });
  Stream stream(*c.channel, kMethod, MethodKind::server);
  stream.keep_reading = false;
  stream.handle->half_close();
  c.f.rest(20ms);
  CHECK_FALSE(stream.done);
  stream.keep_reading = true;
  stream.handle->read();
  c.f.until([&] { return stream.done; });
  CHECK(stream.messages.size() == 10);
  CHECK(stream.result.status.ok());
}

TEST_CASE("who does not read holds up the peer, and only on that stream") {
  std::atomic<std::size_t> opened = 0;
  {
    H2Case c([&](H2Peer& peer) {
      const auto head = peer.next_request(false);
      peer.answer(head.stream);
      const std::string message = H2Peer::framed(std::string(10'000, 'm'));
      for (int i = 0; i < 100; ++i) peer.data(head.stream, message);  // a little less than the window
      while (const auto frame = peer.read_frame()) {
        if (frame->type == NGHTTP2_WINDOW_UPDATE && frame->stream == head.stream) opened += frame->number();
        if (frame->type == NGHTTP2_HEADERS) peer.reply(frame->stream, "beside");
      }
    });
    Stream stream(*c.channel, kMethod, MethodKind::server);
    c.f.until([&] { return stream.connection == 1; });
    CHECK(c.call().bytes == "beside");
    CHECK(opened == 0);
    stream.handle->read();
    c.f.until([&] { return stream.messages.size() == 100; });
    CHECK(c.call().bytes == "beside");  // whatever it was told has arrived before this
  }
  CHECK(opened > 0);
}

TEST_CASE("streams can be cancelled, run out of time and be dropped within their own events") {
  H2Case c([](H2Peer& peer) {
    while (const auto frame = peer.read_frame()) {
      if (frame->type != NGHTTP2_HEADERS) continue;
      peer.answer(frame->stream);
      peer.data(frame->stream, H2Peer::framed("m"));
    }
  });
  Stream cancelled(*c.channel, kMethod, MethodKind::bidi);
  cancelled.handle->cancel("enough of it");
  CHECK_FALSE(cancelled.done);
  c.f.until([&] { return cancelled.done; });
  CHECK(cancelled.result.status.code == GrpcCode::cancelled);
  CHECK(cancelled.result.status.message == "enough of it");

  CallOptions options;
  options.timeout = 20ms;
  Stream late(*c.channel, kMethod, MethodKind::bidi, options);
  c.f.until([&] { return late.done; });
  CHECK(late.result.status.code == GrpcCode::deadline_exceeded);

  struct Dropper final : StreamEvents {
    void on_headers(const MetadataView&, std::string_view, std::uint64_t, TimePoint) override {
      if (at == 0) drop();
    }
    void on_message(std::string_view) override {
      if (at == 1) drop();
    }
    void on_writable() override {}
    void on_done(const StreamResult&) override {
      if (at == 2) drop();
    }
    void drop() {
      handle.reset();
      dropped = true;
    }
    std::unique_ptr<GrpcStream> handle;
    int at = 0;
    bool dropped = false;
  };
  for (int at = 0; at < 3; ++at) {
    Dropper dropper;
    dropper.at = at;
    dropper.handle = c.channel->open(kMethod, MethodKind::bidi, {}, dropper);
    dropper.handle->read();
    c.f.rest(2ms);
    if (at == 2) dropper.handle->cancel("end");
    c.f.until([&] { return dropper.dropped; });
  }
  CHECK(c.channel->open_calls() == 0);
}

TEST_CASE("a thousand idle streams hold no buffers") {
  H2Case c([](H2Peer& peer) { peer.wait_closed(); });
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < 1000; ++i) {
    streams.push_back(std::make_unique<Stream>(*c.channel, kMethod, MethodKind::client));
    streams.back()->handle->send("hello");
  }
  c.f.until([&] { return streams.back()->handle->written() == 1; });
  for (const auto& stream : streams) CHECK(stream->handle->written() == 1);
  CHECK(c.channel->open_calls() == 1000);
  streams.clear();
  CHECK(c.channel->open_calls() == 0);
}
