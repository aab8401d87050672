// What an HTTP/1.1 server may do wrong, whole or byte by byte. After each of it the next request is answered, and no
// descriptor is left.
#include <fmt/format.h>

#include "gzip.h"
#include "net_fixture.h"

using namespace lgen;
using namespace lgen::test;
using Catch::Matchers::Contains;

namespace {

const std::string kGood = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
const std::string kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string kPacked = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n";
const std::string kX1000(1000, 'x');

std::string times(std::size_t n, const std::string& text) {
  std::string all;
  for (std::size_t i = 0; i < n; ++i) all += text;
  return all;
}

/// What a request gets whose answer is `bytes`, in pieces of `piece`. Whoever asks next is answered well.
Reply meet(const std::string& bytes, std::size_t piece) {
  NetFixture net;
  Reply reply;
  const std::size_t before = descriptors();
  {
    bool first = true;
    ScriptedListener listener([&](int fd) {
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      ScriptedListener::read_until(fd, "\r\n\r\n");
      const std::string answer = std::exchange(first, false) ? bytes : kGood;
      for (std::size_t at = 0; at < answer.size(); at += piece) ScriptedListener::write(fd, answer.substr(at, piece));
      ::shutdown(fd, SHUT_WR);
      ScriptedListener::wait_closed(fd);
    });
    HttpClient client(net.loop, {.max_head = 2000, .max_body = 10'000});
    reply = net.get(client, listener.url());
    const Reply next = net.get(client, listener.url());
    CHECK(next.error == "");
    CHECK(next.body == "hi");
    CHECK_FALSE(next.retried);
    CHECK(client.connections() == 2);
  }
  CHECK(descriptors() == before);
  CHECK(net.loop.open_handles() == 0);
  return reply;
}

}  // namespace

TEST_CASE("whatever a server sends is told with what is wrong, and the next request is answered") {
  struct Row {
    const char* what;
    std::string bytes;
    ErrorCode code;
    const char* part;
  };
  const auto protocol = ErrorCode::protocol, closed = ErrorCode::closed;
  const Row rows[] = {
      {"one long header", "HTTP/1.1 200 OK\r\nX: " + times(10, kX1000), protocol, "more than 2000 bytes of headers"},
      {"many headers", "HTTP/1.1 200 OK\r\n" + times(400, "X-Yyyyy: yyyyy\r\n") + "\r\n", protocol,
       "more than 2000 bytes of headers"},
      {"a long first line", "HTTP/1.1 200 " + times(10, kX1000), protocol, "more than 2000 bytes of headers"},
      {"interim answers without end", times(100, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n") + kGood,
       protocol, "more than 2000 bytes of headers"},
      {"trailers without end", kChunked + "2\r\nhi\r\n0\r\n" + times(300, "X: " + kX1000 + "\r\n"), protocol,
       "more than 2000 bytes of chunk extensions or trailers"},
      {"chunk extensions without end", kChunked + "2;a=" + times(300, kX1000), protocol,
       "more than 2000 bytes of chunk extensions or trailers"},
      {"a body without end", "HTTP/1.1 200 OK\r\n\r\n" + times(20, kX1000), protocol, "more than 10000 bytes of body"},
      {"chunks without end", kChunked + times(20, "3e8\r\n" + kX1000 + "\r\n"), protocol,
       "more than 10000 bytes of body"},
      {"a packed body that grows", kPacked + gzip(std::string(5 << 20, 'x')).substr(0, 9000), protocol,
       "more than 10000 bytes of body"},
      {"a packed body without end or content", kPacked + times(1000, gzip("")), protocol,
       "more than 10000 bytes of body"},
      {"a packed body cut off", kPacked + gzip("hello").substr(0, 15), protocol, "gzip encoding is broken"},
      {"no chunk size", kChunked + "xyz\r\n", protocol, "the body of the answer of 127.0.0.1:"},
      {"a negative chunk size", kChunked + "-1\r\n", protocol, "is malformed"},
      {"a chunk size beyond 64 bits", kChunked + "fffffffffffffffff\r\n", protocol, "is malformed"},
      {"a chunk size of 60 bits", kChunked + "fffffffffffffff\r\n" + times(20, kX1000), protocol,
       "more than 10000 bytes of body"},
      {"a chunk longer than it says", kChunked + "2\r\nhello\r\n0\r\n\r\n", protocol, "is malformed"},
      {"a chunk shorter than it says", kChunked + "6\r\nhello\r\n0\r\n\r\n", protocol, "is malformed"},
      {"chunks cut off", kChunked + "6\r\nhel", closed, "in the middle of the body, after 3 bytes of it"},
      {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", protocol,
       "does not answer in HTTP/1.1"},
      {"a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi", protocol,
       "does not answer in HTTP/1.1"},
      {"a length beyond 64 bits", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhi", protocol,
       "does not answer in HTTP/1.1"},
      {"a header without a name", "HTTP/1.1 200 OK\r\n: x\r\n\r\n", protocol, "does not answer in HTTP/1.1"},
      {"a zero byte in a header", std::string("HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", 27), protocol,
       "does not answer in HTTP/1.1"},
      {"nothing but an interim answer", "HTTP/1.1 103 Early Hints\r\n\r\n", closed, "closed the connection"},
      {"another version", "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", protocol,
       "does not answer in HTTP/1.1: its status line has another version of HTTP"},
      {"a version of old", "HTTP/0.9 200 OK\r\nContent-Length: 2\r\n\r\nhi", protocol, "another version of HTTP"},
      {"a status that is none", "HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nhi", protocol, "its status is below 100"},
      {"another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", protocol,
       "it switches to another protocol (status 101), which nobody has asked for"},
      {"101 without a protocol", "HTTP/1.1 101 Hm\r\n\r\n", protocol, "it switches to another protocol"},
      {"not HTTP", "220 mail.example ESMTP\r\n", protocol, "does not answer in HTTP/1.1"},
  };
  const std::size_t piece = GENERATE(std::size_t{1}, std::size_t{1} << 20);
  for (const Row& row : rows) {
    CAPTURE(row.what, piece);
    const Reply reply = meet(row.bytes, piece);
    CHECK(reply.code == row.code);
    CHECK_THAT(reply.error, Contains(row.part) && Contains("127.0.0.1:"));
  }
}

TEST_CASE("gzip is known in any case, and what is behind it is nobody's") {
  const auto piece = GENERATE(std::size_t{1}, std::size_t{1} << 20);
  const std::string hello = gzip("hello ") + gzip("there");
  for (const char* name : {"gzip", "GZIP", "x-gzip", "X-GZip"}) {
    for (const std::string& behind : {std::string(), std::string(10, '\0'), std::string("rubbish\x1f\x8b")}) {
      CAPTURE(name, behind, piece);
      const std::string body = hello + behind;
      const Reply reply = meet(fmt::format("HTTP/1.1 200 OK\r\nContent-Encoding: {}\r\nConnection: close\r\n"
                                           "Content-Length: {}\r\n\r\n{}",
                                           name, body.size(), body),
                               piece);
      CHECK(reply.error == "");
      CHECK(reply.body == "hello there");
    }
  }
}

TEST_CASE("bytes behind an answer, or before any request, cost the connection and nobody's answer") {
  const bool behind = GENERATE(false, true);
  NetFixture net;
  const std::size_t before = descriptors();
  {
    ScriptedListener listener([&](int fd) {
      ScriptedListener::read_until(fd, "\r\n\r\n");
      ScriptedListener::write(fd, behind ? kGood + "HTTP/1.1 500 Stray\r\n\r\n" : kGood);
      if (!behind) ScriptedListener::write(fd, "HTTP/1.1 500 Stray\r\n\r\n");
      ScriptedListener::wait_closed(fd);
    });
    HttpClient client(net.loop);
    for (int i = 0; i < 3; ++i) {
      CHECK(net.get(client, listener.url()).body == "hi");
      net.until([&] { return client.idle_connections() == 0; });
    }
    CHECK(client.connections() == 3);
  }
  CHECK(descriptors() == before);
}
