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
