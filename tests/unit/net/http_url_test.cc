#include "catch.h"
#include "lgen/http.h"
#include "lgen/http_server.h"

using lgen::parse_url;
using lgen::query_value;
using lgen::Url;

TEST_CASE("a URL is taken apart") {
  struct Row {
    const char* text;
    bool tls;
    const char* host;
    int port;
    const char* target;
    const char* authority;
  };
  const Row rows[] = {
      {"http://example.com", false, "example.com", 80, "/", "example.com"},
      {"https://example.com", true, "example.com", 443, "/", "example.com"},
      {"http://a.b:8080/x/y?z=1", false, "a.b", 8080, "/x/y?z=1", "a.b:8080"},
      {"http://a.b:80/", false, "a.b", 80, "/", "a.b"},
      {"https://a.b:80/", true, "a.b", 80, "/", "a.b:80"},
      {"http://a?q=1/2", false, "a", 80, "/?q=1/2", "a"},
      {"http://a/x#part", false, "a", 80, "/x", "a"},
      {"http://127.0.0.1:9464/metrics", false, "127.0.0.1", 9464, "/metrics", "127.0.0.1:9464"},
      {"http://[::1]:9464/metrics", false, "::1", 9464, "/metrics", "[::1]:9464"},
      {"http://[::1]", false, "::1", 80, "/", "[::1]"},
      {"http://my_service:1/", false, "my_service", 1, "/", "my_service:1"},
      {"http://me:se%40cret@a:81/x@y", false, "a", 81, "/x@y", "a:81"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto url = parse_url(row.text);
    REQUIRE(url.ok());
    CHECK(url->tls == row.tls);
    CHECK(url->host == row.host);
    CHECK(url->port == row.port);
    CHECK(url->target == row.target);
    CHECK(url->authority() == row.authority);
  }
  const auto url = parse_url("http://me:se%40cret@a:81/x");
  CHECK(url->user == "me");
  CHECK(url->password == "se@cret");
  CHECK(url->text() == "http://a:81/x");
}

TEST_CASE("what is no URL says where it goes wrong") {
  struct Row {
    const char* text;
    const char* part;
  };
  const Row rows[] = {
      {"", "begin with http:// or https://"},
      {"localhost:80/x", "begin with http:// or https://"},
      {"ftp://a/", "begin with http:// or https://"},
      {"http://", "host is missing"},
      {"http:///x", "host is missing"},
      {"http://:80/", "host is missing"},
      {"http://a:/", "'' is no port"},
      {"http://a:0/", "'0' is no port"},
      {"http://a:65536/", "'65536' is no port"},
      {"http://a:8o/", "'8o' is no port"},
      {"http://::1/", "into brackets"},
      {"http://[::1/", "']'"},
      {"http://[::g]/", "'::g' is no IPv6 address"},
      {"http://[127.0.0.1]/", "is no IPv6 address"},
      {"http://[::1]80/", "is no port"},
      {"http://a b/", "a blank"},
      {"http://a/\r\nHost: b", "a control character"},
      {"http://a/\xc3\xa9", "beyond ASCII"},
      {"http://a,b/", "'a,b' is no name of a host"},
      {"http://a%2/x@b", "no name of a host"},
      {"http://me:%zz@a/", "two hex digits"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto url = parse_url(row.text);
    REQUIRE_FALSE(url.ok());
    CHECK(url.error().code == lgen::ErrorCode::invalid_argument);
    CHECK_THAT(url.error().message, Catch::Matchers::Contains(row.part));
  }
  CHECK_THAT(parse_url("http://me:secret@a:x/").error().message, !Catch::Matchers::Contains("secret"));
}

TEST_CASE("a value of a query is found and decoded") {
  CHECK(query_value("vus=5&name=a%20b+c&flag&last=", "vus") == "5");
  CHECK(query_value("vus=5&name=a%20b+c&flag&last=", "name") == "a b c");
  CHECK(query_value("vus=5&name=a%20b+c&flag&last=", "flag") == "");
  CHECK(query_value("vus=5&name=a%20b+c&flag&last=", "last") == "");
  CHECK_FALSE(query_value("vus=5", "vu"));
  CHECK_FALSE(query_value("", ""));
  CHECK_FALSE(query_value("a=%4", "a"));
}

TEST_CASE("a reference leads where RFC 3986 says") {
  struct Row {
    const char* reference;
    const char* url;
  };
  const Row rows[] = {
      {"https://b/x", "https://b/x"},       {"//b/x", "http://b/x"},         {"/x", "http://a:81/x"},
      {"x", "http://a:81/b/c/x"},           {"./x", "http://a:81/b/c/x"},    {"../x", "http://a:81/b/x"},
      {"../../x", "http://a:81/x"},         {"../../../x", "http://a:81/x"}, {"?y", "http://a:81/b/c/d?y"},
      {"x?y=..", "http://a:81/b/c/x?y=.."}, {"#s", "http://a:81/b/c/d?q"},   {"", "http://a:81/b/c/d?q"},
      {"x/..", "http://a:81/b/c/"},         {"..", "http://a:81/b/"},
  };
  const auto base = parse_url("http://a:81/b/c/d?q");
  for (const Row& row : rows) {
    CAPTURE(row.reference);
    const auto url = lgen::resolve_reference(*base, row.reference);
    REQUIRE(url.ok());
    CHECK(url->text() == row.url);
  }
  for (const char* wrong : {"ftp://b/", "mailto:me", "http://", "/a b", "//"}) {
    CAPTURE(wrong);
    CHECK_FALSE(lgen::resolve_reference(*base, wrong).ok());
  }
}
