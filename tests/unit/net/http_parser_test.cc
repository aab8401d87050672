#include "catch.h"
#include "gzip.h"
#include "http1_parser.h"

using lgen::gzip;
using lgen::Http1Parser;
using Fault = Http1Parser::Fault;
using Kind = Http1Parser::Kind;

namespace {

/// Feeds `bytes` in pieces of `size`; how many were taken.
std::size_t feed(Http1Parser& parser, std::string_view bytes, std::size_t size) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !parser.complete() && parser.fault() == Fault::none) {
    taken += parser.feed(bytes.substr(taken, size));
  }
  return taken;
}

constexpr Http1Parser::Limits kSmall{200, 20};

}  // namespace

TEST_CASE("a response is the same in whatever pieces it comes") {
  const std::string packed = gzip("hello, hello, hello");
  struct Row {
    const char* what;
    std::string bytes;
    int status;
    const char* body;
    bool keep_alive;
  };
  const Row rows[] = {
      {"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b c \r\nX-E:\r\nX-F: 1\r\n\r\nhello", 200, "hello",
       true},
      {"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nX-T: 1\r\n\r\n",
       200, "hello", true},
      {"close", "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno", 404, "no", false},
      {"1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", false},
      {"204", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
      {"304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n", 304, "", true},
      {"interim answers first",
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
       "1\r\n\r\nx",
       200, "x", true},
      {"gzip",
       "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + std::to_string(packed.size()) + "\r\n\r\n" +
           packed,
       200, "hello, hello, hello", true},
      {"no reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, "", true},
  };
  for (const Row& row : rows) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{2}, std::size_t{7}, row.bytes.size() + 9}) {
      CAPTURE(row.what, size);
      Http1Parser parser(Kind::response, {});
      parser.unpack(true);
      const std::size_t taken = feed(parser, row.bytes + "HTTP/1.1", size);
      CHECK(taken == row.bytes.size());
      REQUIRE(parser.complete());
      CHECK(parser.status() == row.status);
      CHECK(parser.body() == row.body);
      CHECK(parser.keep_alive() == row.keep_alive);
    }
  }
}

TEST_CASE("names of headers are in lower case, values are trimmed, empty ones are there") {
  Http1Parser parser(Kind::response, {});
  feed(parser, "HTTP/1.1 200 Very OK\r\nX-One:  b C \r\nX-Empty:\r\nX-TWO: 1\r\nContent-Length: 0\r\n\r\n", 3);
  REQUIRE(parser.complete());
  CHECK(parser.reason() == "Very OK");
  const lgen::HttpHeadersView expected = {{"x-one", "b C"}, {"x-empty", ""}, {"x-two", "1"}, {"content-length", "0"}};
  CHECK(parser.headers() == expected);
}

TEST_CASE("a body without a length lasts until the connection ends") {
  Http1Parser parser(Kind::response, {});
  feed(parser, "HTTP/1.1 200 OK\r\n\r\nhello", 3);
  CHECK_FALSE(parser.complete());
  CHECK(parser.finish());
  CHECK(parser.body() == "hello");
  CHECK_FALSE(parser.keep_alive());
}

TEST_CASE("the end of the connection anywhere else is not the end of the message") {
  for (const char* bytes :
       {"", "HT", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "HTTP/1.1 100 Continue\r\n\r\n"}) {
    CAPTURE(bytes);
    Http1Parser parser(Kind::response, {});
    feed(parser, bytes, 100);
    CHECK_FALSE(parser.finish());
  }
}

TEST_CASE("a HEAD's answer has no body, whatever its headers say") {
  Http1Parser parser(Kind::response, kSmall);
  parser.expect_no_body();
  feed(parser, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", 5);
  CHECK(parser.complete());
  CHECK(parser.keep_alive());
}

TEST_CASE("what is too long, malformed or badly packed is a fault") {
  const std::string bomb = gzip(std::string(100'000, 'x'));
  const std::string gz = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto chunk = [](const std::string& bytes) {
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    return size + bytes + "\r\n0\r\n\r\n";
  };
  struct Row {
    const char* what;
    std::string bytes;
    Fault fault;
  };
  const Row rows[] = {
      {"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", Fault::malformed},
      {"a bad status", "HTTP/1.1 abc OK\r\n\r\n", Fault::malformed},
      {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", Fault::malformed},
      {"length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       Fault::malformed},
      {"a bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Fault::malformed},
      {"a huge length", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", Fault::malformed},
      {"endless headers", "HTTP/1.1 200 OK\r\n" + std::string(300, 'a'), Fault::head_too_large},
      {"many headers", "HTTP/1.1 200 OK\r\nA: b\r\nA: " + std::string(300, 'b') + "\r\n\r\n", Fault::head_too_large},
      {"announced too long", "HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n", Fault::body_too_large},
      {"chunks too long", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(std::string(21, 'x')),
       Fault::body_too_large},
      {"until the end, too long", "HTTP/1.1 200 OK\r\n\r\n" + std::string(21, 'x'), Fault::body_too_large},
      {"a gzip bomb", gz + chunk(bomb), Fault::body_too_large},
      {"no gzip", gz + chunk("hello"), Fault::bad_encoding},
      {"half a gzip", gz + chunk(gzip("hello").substr(0, 12)), Fault::bad_encoding},
  };
  for (const Row& row : rows) {
    for (const std::size_t size : {std::size_t{1}, row.bytes.size()}) {
      CAPTURE(row.what, size);
      Http1Parser parser(Kind::response, kSmall);
      parser.unpack(true);
      feed(parser, row.bytes, size);
      CHECK(parser.fault() == row.fault);
      CHECK_FALSE(parser.complete());
      CHECK_FALSE(parser.fault_text().empty());
      CHECK(parser.body().size() <= kSmall.body);
    }
  }
}

TEST_CASE("requests behind each other are told apart") {
  const std::string_view bytes =
      "POST /a?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /b HTTP/1.1\r\nHost: a\r\nConnection: "
      "Upgrade\r\n"
      "Upgrade: h2c\r\n\r\nHEAD /c HTTP/1.0\r\n\r\n";
  Http1Parser parser(Kind::request, kSmall);
  std::size_t at = parser.feed(bytes);
  REQUIRE(parser.complete());
  CHECK(parser.method() == "POST");
  CHECK(parser.target() == "/a?x=1");
  CHECK(parser.body() == "hi");
  parser.next();
  at += parser.feed(bytes.substr(at));
  REQUIRE(parser.complete());
  CHECK(parser.method() == "GET");
  CHECK(parser.target() == "/b");
  CHECK(parser.body().empty());
  parser.next();
  at += parser.feed(bytes.substr(at));
  REQUIRE(parser.complete());
  CHECK(parser.method() == "HEAD");
  CHECK(parser.http_1_0());
  CHECK_FALSE(parser.keep_alive());
  CHECK(at == bytes.size());
}

TEST_CASE("an answer that begins as the one before is still one of its own") {
  const std::string head = "HTTP/1.1 200 Fine\r\nX-A: b\r\nContent-Length: 2\r\n\r\n";
  const std::string other = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n";
  struct Row {
    const char* what;
    std::string bytes;
    std::size_t piece;
    int status;
    const char* body;
  };
  const Row rows[] = {
      {"the first", head + "ab", 1000, 200, "ab"},
      {"the same head", head + "cd", 1000, 200, "cd"},
      {"in pieces", head + "ef", 7, 200, "ef"},
      {"whole again", head + "gh", 1000, 200, "gh"},
      {"half a body first", head + "ij", 58, 200, "ij"},
      {"another head", other + "kl", 1000, 404, "kl"},
      {"and the first once more", head + "mn", 1000, 200, "mn"},
  };
  Http1Parser parser(Kind::response, {});
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(feed(parser, row.bytes, row.piece) == row.bytes.size());
    REQUIRE(parser.complete());
    CHECK(parser.status() == row.status);
    CHECK(parser.reason() == (row.status == 200 ? "Fine" : "Not Found"));
    CHECK(parser.headers().size() == (row.status == 200 ? 2 : 1));
    CHECK(parser.headers().back() == std::pair<std::string_view, std::string_view>("content-length", "2"));
    CHECK(parser.body() == row.body);
    CHECK(parser.keep_alive());
    parser.next();
    CHECK_FALSE(parser.head_complete());
  }
  parser.expect_no_body();
  CHECK(parser.feed(head) == head.size());
  CHECK(parser.complete());
  CHECK(parser.body().empty());
}

TEST_CASE("what is unusual about a response is judged alike whether it comes whole or byte by byte") {
  const char* rows[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
      "HTTP/1.1 200 OK\r\nCONTENT-LENGTH:2\r\nX-Upper: A\tb \t\r\n\r\nab",
      "HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\nContent-Length: 2\r\n\r\nab",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nab",
      "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nab",
      "HTTP/1.1 200 OK\nContent-Length: 2\n\nab",
      "HTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nab",
      "HTTP/1.1 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 2\r\n\r\nab",
      "HTTP/1.1 200 OK\r\nUpgrade: x\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nab",
      "HTTP/1.1 200 OK\r\nBad Name: 1\r\nContent-Length: 2\r\n\r\nab",
      "HTTP/1.1 200 OK\r\n: 1\r\nContent-Length: 2\r\n\r\nab",
      "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nab",
      "HTTP/1.1 200 Fine \xc3\xa9\r\nX: \xff\r\nContent-Length: 2\r\n\r\nab",
      "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nab",
  };
  for (const std::string bytes : rows) {
    CAPTURE(bytes);
    Http1Parser whole(Kind::response, {}), pieces(Kind::response, {});
    feed(whole, bytes, bytes.size());
    feed(pieces, bytes, 1);
    CHECK(whole.fault() == pieces.fault());
    CHECK(whole.complete() == pieces.complete());
    if (!whole.complete() || !pieces.complete()) continue;
    CHECK(whole.status() == pieces.status());
    CHECK(whole.reason() == pieces.reason());
    CHECK(whole.headers() == pieces.headers());
    CHECK(whole.body() == pieces.body());
    CHECK(whole.keep_alive() == pieces.keep_alive());
  }
}
