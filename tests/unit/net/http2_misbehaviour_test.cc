// What an HTTP/2 server may do wrong to a client of requests. After each of it the next request is answered, and no
// descriptor is left.
#include <fmt/format.h>
#include <future>

#include "gzip.h"
#include "h2_peer.h"
#include "net_fixture.h"

using namespace lgen;
using namespace lgen::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

HttpClientOptions options() { return {.version = HttpVersion::two, .max_head = 2000, .max_body = 10'000}; }

void answer(H2Peer& peer, std::int32_t stream) { peer.headers(stream, {{":status", "200"}}, true); }

/// Answers everything until the client goes.
void behave(H2Peer& peer) {
  for (H2Peer::Request request; (request = peer.next_request()).stream != 0;) answer(peer, request.stream);
}

using Misdeed = std::function<void(H2Peer& peer, std::int32_t stream)>;

/// What a request gets that meets the misdeed, on the first connection; then all is well.
Reply meet(const Misdeed& misdeed, bool dribble, const HttpRequest& request = {}) {
  NetFixture net;
  Reply reply;
  const std::size_t before = descriptors();
  {
    bool first = true;
    ScriptedListener listener([&](int fd) {
      H2Peer peer(fd, dribble);
      peer.greet();
      if (std::exchange(first, false)) {
        misdeed(peer, peer.next_request().stream);
      }
      behave(peer);
    });
    HttpClient client(net.loop, options());
    HttpRequest asked = request;
    asked.url = listener.url();
    reply = net.ask(client, asked);
    const Reply next = net.get(client, listener.url());
    CHECK(next.error == "");
    CHECK(next.status == 200);
    CHECK(client.connections() <= 2);
  }
  CHECK(descriptors() == before);
  CHECK(net.loop.open_handles() == 0);
  return reply;
}

const H2Peer::Fields kOk = {{":status", "200"}};
const H2Peer::Fields kPacked = {{":status", "200"}, {"content-encoding", "gzip"}};

/// A literal that enters the peer's table, and then that entry a hundred times: 100 KB of fields in 1 KB.
std::string unfolding() {
  std::string block = "\x88";  // :status 200
  block += std::string("\x40\x01x\x7f", 4) + "\xe9\x06" + std::string(1000, 'y');
  return block + std::string(100, '\xbe');
}

}  // namespace

TEST_CASE("whatever a server sends instead of an answer is told, and the next request is answered") {
  struct Row {
    const char* what;
    Misdeed misdeed;
    ErrorCode code;
    const char* part;
  };
  const std::string many(600, 'x');
  const Row rows[] = {
      {"a reset in the body",
       [](H2Peer& peer, std::int32_t stream) {
         peer.headers(stream, kOk);
         peer.data(stream, "half");
         peer.reset(stream, NGHTTP2_INTERNAL_ERROR);
       },
       ErrorCode::closed, "has reset the stream in the middle of the answer: INTERNAL_ERROR"},
      {"one long header",
       [&](H2Peer& peer, std::int32_t stream) {
         peer.headers(stream, {{":status", "200"}, {"x", many + many + many + many}}, true);
       },
       ErrorCode::protocol, "has more than 2000 bytes of headers, and no more is read"},
      {"many short headers",
       [](H2Peer& peer, std::int32_t stream) {
         H2Peer::Fields fields = kOk;
         for (int i = 0; i < 300; ++i) fields.emplace_back(fmt::format("x-{}", i), "a value");
         peer.headers(stream, fields, true);
       },
       ErrorCode::protocol, "has more than 2000 bytes of headers"},
      {"headers that unfold",
       [](H2Peer& peer, std::int32_t stream) {
         peer.send(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, stream, unfolding());
       },
       ErrorCode::protocol, "has more than 2000 bytes of headers"},
      {"headers without end",
       [&](H2Peer& peer, std::int32_t stream) {
         std::string fields;
         for (int i = 0; i < 8; ++i) fields += std::string(1, '\0') + "\x01x" + "\x7e" + std::string(126, 'y');
         peer.send(NGHTTP2_HEADERS, 0, stream, "\x88");
         for (int i = 0; i < 5; ++i) peer.send(NGHTTP2_CONTINUATION, 0, stream, fields);
         peer.wait_closed();
       },
       ErrorCode::protocol, "has more than 2000 bytes of headers"},
      {"interim answers without end",
       [&](H2Peer& peer, std::int32_t stream) {
         for (int i = 0; i < 10; ++i) peer.headers(stream, {{":status", "103"}, {"link", many}});
       },
       ErrorCode::protocol, "has more than 2000 bytes of headers"},
      {"trailers without end",
       [&](H2Peer& peer, std::int32_t stream) {
         peer.headers(stream, kOk);
         peer.headers(stream, {{"x", many}, {"x", many}, {"x", many}, {"x", many}}, true);
       },
       ErrorCode::protocol, "has more than 2000 bytes of headers"},
      {"a body without end",
       [](H2Peer& peer, std::int32_t stream) {
         peer.headers(stream, kOk);
         for (int i = 0; i < 100; ++i) peer.data(stream, std::string(1000, 'x'));
       },
       ErrorCode::protocol, "has more than 10000 bytes of body, and no more is read"},
      {"a packed body that grows",
       [](H2Peer& peer, std::int32_t stream) {
         peer.headers(stream, kPacked);
         peer.data(stream, gzip(std::string(5 << 20, 'x')).substr(0, 16'000), true);
       },
       ErrorCode::protocol, "has more than 10000 bytes of body"},
      {"a packed body without end or content",
       [](H2Peer& peer, std::int32_t stream) {
         peer.headers(stream, kPacked);
         std::string nothing;
         for (int i = 0; i < 50; ++i) nothing += gzip("");
         for (int i = 0; i < 20; ++i) peer.data(stream, nothing);
       },
       ErrorCode::protocol, "has more than 10000 bytes of body"},
      {"a body that is not packed",
       [](H2Peer& peer, std::int32_t stream) {
         peer.headers(stream, kPacked);
         peer.data(stream, "hello", true);
       },
       ErrorCode::protocol, "gzip encoding is broken"},
      {"a packed body cut off",
       [](H2Peer& peer, std::int32_t stream) {
         peer.headers(stream, kPacked);
         peer.data(stream, gzip("hello").substr(0, 15), true);
       },
       ErrorCode::protocol, "gzip encoding is broken"},
      {"more than announced",
       [](H2Peer& peer, std::int32_t stream) {
         peer.headers(stream, {{":status", "200"}, {"content-length", "3"}});
         peer.data(stream, "hello", true);
       },
       ErrorCode::protocol, "breaks HTTP/2's rules: PROTOCOL_ERROR"},
      {"no status",
       [](H2Peer& peer, std::int32_t stream) {
         peer.headers(stream, {{"x", "y"}}, true);
       },
       ErrorCode::protocol, "breaks HTTP/2's rules: PROTOCOL_ERROR"},
      {"a status that is none",
       [](H2Peer& peer, std::int32_t stream) {
         peer.headers(stream, {{":status", "2x0"}}, true);
       },
       ErrorCode::protocol, "breaks HTTP/2's rules: PROTOCOL_ERROR"},
      {"nothing but an interim answer",
       [](H2Peer& peer, std::int32_t stream) {
         peer.headers(stream, {{":status", "103"}}, true);
       },
       ErrorCode::protocol, "PROTOCOL_ERROR"},
      {"a second head",
       [](H2Peer& peer, std::int32_t stream) {
         peer.headers(stream, kOk);
         peer.headers(stream, kOk);
         peer.data(stream, "hello", true);
       },
       ErrorCode::protocol, "PROTOCOL_ERROR"},
      {"trailers in the middle",
       [](H2Peer& peer, std::int32_t stream) {
         peer.headers(stream, kOk);
         peer.headers(stream, {{"x", "y"}});
         peer.data(stream, "hello", true);
       },
       ErrorCode::protocol, "PROTOCOL_ERROR"},
  };
  const bool dribble = GENERATE(false, true);
  for (const Row& row : rows) {
    CAPTURE(row.what, dribble);
    const Reply reply = meet(row.misdeed, dribble);
    CHECK(reply.code == row.code);
    CHECK_THAT(reply.error, Contains(row.part) && Contains("127.0.0.1:"));
  }
}

TEST_CASE("names and values that HTTP/2 forbids are found, also when they come again") {
  const H2Peer::Fields rows = {{"a b", "x"},
                               {"", "x"},
                               {"Capital", "x"},
                               {"a:b", "x"},
                               {"a\x7f", "x"},
                               {"a\xc3\xa9", "x"},
                               {"a\n", "x"},
                               {"x", " front"},
                               {"x", "behind\t"},
                               {"x", "a\nb: c"},
                               {"x", "cr\rand more"},
                               {"x", "\x1b[31mred"},
                               {"x", std::string("a\0b", 3)}};
  NetFixture net;
  for (const auto& row : rows) {
    CAPTURE(row.first, row.second);
    ScriptedListener listener([&](int fd) {
      H2Peer peer(fd);
      peer.greet();
      for (int i = 0; i < 2; ++i) peer.headers(peer.next_request().stream, {{":status", "200"}, row}, true);
      behave(peer);
    });
    HttpClient client(net.loop, options());
    for (int i = 0; i < 2; ++i) {
      CHECK_THAT(net.get(client, listener.url()).error, Contains("breaks HTTP/2's rules: PROTOCOL_ERROR"));
    }
    CHECK(net.get(client, listener.url()).status == 200);
    CHECK(client.connections() == 1);
  }
}

TEST_CASE("what may look odd in a field is let through") {
  const H2Peer::Fields odd = {{"!#$%&'*+-.^_`|~09az()", "a\tb  c"}, {"empty", ""}, {"latin", "caf\xe9 \xc3\xa9"}};
  H2Peer::Fields fields = kOk;
  fields.insert(fields.end(), odd.begin(), odd.end());
  const Reply reply = meet([&](H2Peer& peer, std::int32_t stream) { peer.headers(stream, fields, true); }, false);
  CHECK(reply.error == "");
  for (const auto& [name, value] : odd) CHECK(reply.header(name) == value);
}

TEST_CASE("a connection that breaks ends its request with the reason, and another one is made") {
  struct Row {
    const char* what;
    Misdeed misdeed;
    ErrorCode code;
    const char* part;
  };
  const Row rows[] = {
      {"closed unanswered", [](H2Peer&, std::int32_t) {}, ErrorCode::closed, "has closed the connection"},
      {"closed in a frame",
       [](H2Peer& peer, std::int32_t stream) {
         peer.headers(stream, kOk);
         peer.write(H2Peer::frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, stream, "hello").substr(0, 11));
       },
       ErrorCode::closed, "has closed the connection"},
      {"a frame too large",
       [](H2Peer& peer, std::int32_t stream) {
         peer.headers(stream, kOk);
         peer.data(stream, std::string(20'000, 'x'), true);
         peer.wait_closed();
       },
       ErrorCode::protocol, "broke"},
      {"SETTINGS of a wrong size",
       [](H2Peer& peer, std::int32_t) {
         peer.send(NGHTTP2_SETTINGS, 0, 0, "12345");
         peer.wait_closed();
       },
       ErrorCode::protocol, "broke"},
      {"headers that cannot be decoded",
       [](H2Peer& peer, std::int32_t stream) {
         peer.send(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, stream, "\xff\xff\xff\xff\xff\xff\xff");
         peer.wait_closed();
       },
       ErrorCode::protocol, "broke"},
      {"a field of more than HPACK's coder takes",
       [](H2Peer& peer, std::int32_t stream) {
         peer.send(NGHTTP2_HEADERS, 0, stream, std::string("\x88\0\x01x\x7f\xf1\xa1\x04", 8));  // 70,000 bytes follow
         for (int i = 0; i < 7; ++i) peer.send(NGHTTP2_CONTINUATION, 0, stream, std::string(10'000, 'y'));
         peer.wait_closed();
       },
       ErrorCode::protocol, "or has a field of more than 64 KiB"},
      {"data before headers",
       [](H2Peer& peer, std::int32_t stream) {
         peer.data(stream, "hello", true);
         peer.wait_closed();
       },
       ErrorCode::protocol, "broke"},
      {"data on stream 0",
       [](H2Peer& peer, std::int32_t) {
         peer.data(0, "hello");
         peer.wait_closed();
       },
       ErrorCode::protocol, "broke"},
      {"a push",
       [](H2Peer& peer, std::int32_t stream) {
         peer.send(NGHTTP2_PUSH_PROMISE, NGHTTP2_FLAG_END_HEADERS, stream, H2Peer::big_endian(2, 4) + "\x82");
         peer.wait_closed();
       },
       ErrorCode::protocol, "broke"},
      {"HTTP/1.1",
       [](H2Peer& peer, std::int32_t) {
         peer.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
         peer.wait_closed();
       },
       ErrorCode::protocol, "broke"},
      {"a GOAWAY that complains",
       [](H2Peer& peer, std::int32_t stream) {
         peer.goaway(static_cast<std::uint32_t>(stream), NGHTTP2_ENHANCE_YOUR_CALM, "too many requests");
       },
       ErrorCode::closed, "after GOAWAY (ENHANCE_YOUR_CALM: too many requests)"},
  };
  const bool dribble = GENERATE(false, true);
  for (const Row& row : rows) {
    CAPTURE(row.what, dribble);
    const Reply reply = meet(
        [&](H2Peer& peer, std::int32_t stream) {
          row.misdeed(peer, stream);
          peer.hang_up();
        },
        dribble);
    CHECK(reply.code == row.code);
    CHECK_THAT(reply.error, Contains(row.part) && Contains("127.0.0.1:"));
  }
}

TEST_CASE("every code of a reset is told by its name") {
  for (std::uint32_t code = NGHTTP2_NO_ERROR; code <= NGHTTP2_HTTP_1_1_REQUIRED; ++code) {
    const Reply reply = meet([&](H2Peer& peer, std::int32_t stream) { peer.reset(stream, code); }, false);
    CHECK(reply.code == ErrorCode::closed);
    CHECK_FALSE(reply.retried);
    CHECK_THAT(reply.error, Contains(fmt::format("has reset the stream: {}", nghttp2_http2_strerror(code))));
  }
}

TEST_CASE("HTTP/1.1 from the first byte on is named") {
  NetFixture net;
  ScriptedListener listener([](int fd) {
    ScriptedListener::write(fd, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    ScriptedListener::wait_closed(fd);
  });
  HttpClient client(net.loop, options());
  std::optional<HttpClosed> closed;
  client.on_connection([&](const HttpConnectionEvent& event) {
    if (event.kind == HttpConnectionEvent::Kind::closed) closed = event.closed;
  });
  const Reply reply = net.get(client, listener.url());
  CHECK(reply.code == ErrorCode::protocol);
  CHECK_THAT(reply.error, Contains("it speaks HTTP/1, not HTTP/2"));
  CHECK(closed == HttpClosed::failed);
}

TEST_CASE("what a leaving server has not looked at is sent once more, whatever it is; what it has, is not") {
  const std::string method = GENERATE(std::string("GET"), std::string("POST"));
  const bool looked = GENERATE(false, true);
  const Misdeed leave = [&](H2Peer& peer, std::int32_t stream) {
    peer.goaway(looked ? static_cast<std::uint32_t>(stream) : 0, NGHTTP2_NO_ERROR);
    peer.hang_up();
  };
  const Reply reply = meet(leave, false, {.method = method, .body = method == "POST" ? "body" : ""});
  CHECK(reply.retried == !looked);
  CHECK(reply.status == (looked ? 0 : 200));
  CHECK((reply.error == "") == !looked);
}

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
