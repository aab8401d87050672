#include "gateway_backends.h"

#include <stdexcept>

#include "catch.h"

using lgen::server::HttpUrl;
using lgen::server::parse_http_url;

TEST_CASE("a backend's URL is host, port and path") {
  struct Row {
    const char* text;
    const char* host;
    const char* port;
    const char* path;
  };
  const Row rows[] = {{"http://http-svc/hellohttp", "http-svc", "80", "/hellohttp"},
                      {"http://http-svc.lgen.svc:8100/a/b", "http-svc.lgen.svc", "8100", "/a/b"},
                      {"http://127.0.0.1:65535", "127.0.0.1", "65535", "/"}};
  for (const Row& row : rows) {
    INFO(row.text);
    const HttpUrl url = parse_http_url(row.text);
    CHECK(url.host == row.host);
    CHECK(url.port == row.port);
    CHECK(url.path == row.path);
  }
}

TEST_CASE("what is no URL of a backend is refused") {
  for (const char* text :
       {"", "http-svc", "http-svc:80", "https://a/b", "http://", "http:///b", "http://:80/b", "http://a:/b",
        "http://a:0/b", "http://a:65536/b", "http://a:8x/b", "http://a:-1/b", "http://[::1]:80/b", "http://me@a/b",
        "http://a/b?name=x", "http://a/b#c", "http://a/b c", "http://a/b\r\nx: y"}) {
    INFO(text);
    CHECK_THROWS_AS(parse_http_url(text), std::invalid_argument);
  }
}
