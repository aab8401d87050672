// An HTTP/2 server that leaves, lets requests wait, or never gets as far as SETTINGS.
#include <fmt/format.h>
#include <future>

#include "h2_peer.h"
#include "net_fixture.h"

using namespace lgen;
using namespace lgen::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

HttpClientOptions options() { return {.version = HttpVersion::two}; }

}  // namespace

TEST_CASE("a server that leaves with its first words has not looked at the request") {
  const int times = GENERATE(1, 2);
  NetFixture net;
  int left = 0;
  ScriptedListener listener([&](int fd) {
    H2Peer peer(fd);
    if (left++ < times) {
      peer.write(H2Peer::frame(NGHTTP2_SETTINGS, 0, 0, "") +
                 H2Peer::frame(NGHTTP2_GOAWAY, 0, 0, std::string(8, '\0')));  // in one read
      return peer.wait_closed();
    }
    peer.greet();
    behave(peer);
  });
  std::vector<HttpClosed> closed;
  HttpClient client(net.loop, options());
  client.on_connection([&](const HttpConnectionEvent& event) {
    if (event.kind == HttpConnectionEvent::Kind::closed) closed.push_back(event.closed);
  });
  const Reply reply = net.ask(client, {.method = "POST", .url = listener.url(), .body = "once"});
  CHECK(reply.retried);
  CHECK(reply.status == (times == 1 ? 200 : 0));
  if (times == 2) CHECK_THAT(reply.error, Contains("takes no requests (GOAWAY)"));
  CHECK(closed == std::vector<HttpClosed>(static_cast<std::size_t>(times), HttpClosed::goaway));
}

TEST_CASE("a server that always leaves is asked twice, not for ever") {
  NetFixture net;
  ScriptedListener listener([](int fd) {
    H2Peer peer(fd);
    peer.greet();
    peer.next_request();
    peer.goaway(0, NGHTTP2_NO_ERROR);
    peer.wait_closed();
  });
  HttpClient client(net.loop, options());
  const Reply reply = net.get(client, listener.url());
  CHECK(reply.code == ErrorCode::closed);
  CHECK_THAT(reply.error, Contains("has left (GOAWAY: NO_ERROR) without looking at the request"));
  CHECK(client.connections() == 2);
}

TEST_CASE("a request that a leaving server still answers does not keep others waiting") {
  NetFixture net;
  std::optional<Reply> first;
  bool left = false;
  ScriptedListener listener([&](int fd) {
    H2Peer peer(fd);
    peer.greet();
    const std::int32_t stream = peer.next_request().stream;
    peer.goaway(static_cast<std::uint32_t>(stream), NGHTTP2_NO_ERROR);
    net.loop.wake([&] { left = true; });
    peer.wait_closed();
  });
  HttpClient client(net.loop, options());
  const Op op = client.send({.url = listener.url()}, [&](const HttpResult& result) { first = copy_of(result); });
  net.until([&] { return left; });
  net.turns();
  std::optional<Reply> other;
  const Op next = client.send({.url = listener.url()}, [&](const HttpResult& result) { other = copy_of(result); });
  net.until([&] { return client.connections() == 2; });  // it is dialled although the first connection lives
  CHECK_FALSE(first);
}

TEST_CASE("requests beyond the server's streams wait for their turn on the one connection") {
  NetFixture net;
  ScriptedListener listener([](int fd) {
    H2Peer peer(fd);
    peer.greet({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1}});
    behave(peer);
  });
  HttpClient client(net.loop, options());
  int answered = 0;
  std::vector<Op> ops;
  for (int i = 0; i < 5; ++i) {
    ops.push_back(
        client.send({.url = listener.url()}, [&](const HttpResult& result) { answered += result.ok() ? 1 : 0; }));
  }
  net.until([&] { return answered == 5; });
  CHECK(client.connections() == 1);
}

TEST_CASE("a server that allows no streams yet is waited for") {
  NetFixture net;
  const bool relents = GENERATE(true, false);
  ScriptedListener listener([&](int fd) {
    H2Peer peer(fd);
    peer.greet({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0}});
    peer.next(NGHTTP2_SETTINGS);
    if (relents) peer.send_settings({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 10}});
    behave(peer);
  });
  HttpClient client(net.loop, options());
  if (relents) {
    CHECK(net.get(client, listener.url()).status == 200);
    return;
  }
  const std::string part = "the server allows no request (SETTINGS)";
  CHECK_THAT(net.late(client, {.url = listener.url()}, part), Contains(part));
}

TEST_CASE("a request that has given up waiting for SETTINGS is not sent when they come, and others are") {
  NetFixture net;
  std::promise<void> over;
  bool settled = false;
  ScriptedListener listener([&](int fd) {
    H2Peer peer(fd);
    peer.greet({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0}});
    while (const auto frame = peer.read_frame()) {
      if (frame->type == NGHTTP2_SETTINGS && (frame->flags & NGHTTP2_FLAG_ACK) != 0) break;
    }
    net.loop.wake([&] { settled = true; });
    over.get_future().wait();
    peer.send_settings({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 10}});
    const H2Peer::Request request = peer.next_request();
    CHECK(request.field(":path") == "/second");
    answer(peer, request.stream);
    ScriptedListener::wait_closed(fd);
  });
  HttpClient client(net.loop, options());
  Op first = client.send({.url = listener.url() + "first"}, [](const HttpResult&) {});
  net.until([&] { return settled; });
  first.reset();
  over.set_value();
  CHECK(net.get(client, listener.url() + "second").status == 200);
}

namespace {

/// Says nothing on its first connection, and behaves on the others.
ScriptedListener::Script silent_once() {
  return [first = true](int fd) mutable {
    if (std::exchange(first, false)) return ScriptedListener::wait_closed(fd);
    H2Peer peer(fd);
    peer.greet();
    behave(peer);
  };
}

}  // namespace

TEST_CASE("a connection on which SETTINGS never come is left with the request that has made it") {
  NetFixture net;
  const bool others_wait = GENERATE(false, true);
  std::vector<HttpClosed> closed;
  std::optional<Reply> waited;
  Op waiting;
  ScriptedListener listener(silent_once());
  HttpClient client(net.loop, options());
  const auto wait = [&] {
    waiting = client.send({.url = listener.url()}, [&](const HttpResult& result) { waited = copy_of(result); });
  };
  client.on_connection([&](const HttpConnectionEvent& event) {
    if (event.kind == HttpConnectionEvent::Kind::closed) closed.push_back(event.closed);
    if (others_wait && event.connection == 1 && closed.empty()) net.loop.post(wait);
  });
  const std::string part = "on which the server says nothing (no SETTINGS)";
  CHECK_THAT(net.late(client, {.url = listener.url()}, part), Contains(part));
  CHECK(closed == std::vector{HttpClosed::failed});
  CHECK(net.get(client, listener.url()).status == 200);
  net.until([&] { return !others_wait || waited.has_value(); });
  if (others_wait) CHECK(waited->status == 200);
  CHECK(client.connections() == 2);
}

TEST_CASE("SETTINGS have to come within the time to connect, whether or not somebody waits for them") {
  NetFixture net;
  ScriptedListener listener(silent_once());
  HttpClientOptions hasty = options();
  hasty.connect_timeout = 2s;
  HttpClient client(net.loop, hasty);
  SECTION("the request that has made the connection is told") {
    const Reply reply = net.get(client, listener.url());
    CHECK(reply.code == ErrorCode::timeout);
    CHECK_THAT(reply.error, Contains("sent no SETTINGS, the first words of HTTP/2, within 2 s (connect_timeout)"));
  }
  SECTION("the request is gone") {
    Op gone = client.send({.url = listener.url()}, [](const HttpResult&) {});
    net.until([&] { return client.connections() == 1; });
    gone.reset();
  }
  CHECK(net.get(client, listener.url()).status == 200);
  CHECK(client.connections() == 2);
}

TEST_CASE("who waits for another request's connection is told what it waits for") {
  NetFixture net;
  struct Row {
    const char* what;
    std::optional<std::uint32_t> streams;  // that the server allows at a time; nothing: no SETTINGS
    const char* part;
  };
  const Row rows[] = {
      {"no SETTINGS", std::nullopt, "on which the server says nothing (no SETTINGS)"},
      {"no streams", 0, "on which the server allows no request (SETTINGS)"},
      {"one stream", 1, "nothing but a wait for one of the 1 requests that the server allows at a time"}};
  for (const Row& row : rows) {
    CAPTURE(row.what);
    ScriptedListener listener([&](int fd) {
      H2Peer peer(fd);
      if (row.streams) peer.greet({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, *row.streams}});
      ScriptedListener::wait_closed(fd);
    });
    HttpClient client(net.loop, options());
    const Op holds = client.send({.url = listener.url()}, [](const HttpResult&) {});
    net.until([&] { return client.connections() == 1; });
    CHECK_THAT(net.late(client, {.url = listener.url()}, row.part), Contains(row.part));
  }
}

TEST_CASE("a body for which the window is never opened is told") {
  NetFixture net;
  ScriptedListener listener([&](int fd) {
    H2Peer peer(fd);
    peer.greet({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
    const H2Peer::Request request = peer.next_request(false);
    if (request.field(":method") == "GET") answer(peer, request.stream);
    behave(peer);
  });
  HttpClient client(net.loop, options());
  const std::string part = "5 bytes of the request's body are still here";
  CHECK_THAT(net.late(client, {.method = "POST", .url = listener.url(), .body = "hello"}, part), Contains(part));
  CHECK(net.get(client, listener.url()).status == 200);
}

TEST_CASE("a connection that has gone silent is left by the requests to come") {
  NetFixture net;
  bool first = true;
  ScriptedListener listener([&](int fd) {
    H2Peer peer(fd);
    peer.greet();
    if (std::exchange(first, false)) {
      answer(peer, peer.next_request().stream);
      return ScriptedListener::wait_closed(fd);
    }
    behave(peer);
  });
  HttpClient client(net.loop, options());
  CHECK(net.get(client, listener.url()).status == 200);
  CHECK(net.ask(client, {.url = listener.url(), .timeout = Duration(50ms)}).code == ErrorCode::timeout);
  CHECK(net.get(client, listener.url()).status == 200);
  CHECK(client.connections() == 2);
}
