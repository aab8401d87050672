#include "request_headers.h"

#include <cstdlib>

#include "catch.h"

namespace lgen::cli {
namespace {

Metadata parsed(const std::string& line, bool expand = false) {
  auto headers = parse_headers({line}, expand, "-H");
  INFO((headers ? "" : headers.error().message));
  REQUIRE(headers.ok());
  return *headers;
}

std::string refused(const std::string& line, bool expand = false) {
  const auto headers = parse_headers({line}, expand, "-H");
  return headers ? "" : headers.error().message;
}

TEST_CASE("a header's name is in lower case and its value without the blanks around it") {
  CHECK(parsed("X-Key:  a: b ") == Metadata{{"x-key", "a: b"}});
  CHECK(parsed("empty:") == Metadata{{"empty", ""}});
}

TEST_CASE("the value of a -bin header is base64, of either alphabet, padded or not") {
  CHECK(parsed("k-bin: aGk=") == Metadata{{"k-bin", "hi"}});
  CHECK(parsed("k-bin: aGk") == Metadata{{"k-bin", "hi"}});
  CHECK(parsed("k-bin: __-_") == parsed("k-bin: //+/"));
  CHECK(parsed("k-bin:") == Metadata{{"k-bin", ""}});
}

TEST_CASE("variables are expanded when that is asked for") {
  setenv("LGEN_TEST_TOKEN", "abc", 1);
  CHECK(parsed("a: x ${LGEN_TEST_TOKEN}${LGEN_TEST_TOKEN}.", true) == Metadata{{"a", "x abcabc."}});
  CHECK(parsed("a: ${LGEN_TEST_TOKEN}") == Metadata{{"a", "${LGEN_TEST_TOKEN}"}});
  CHECK(parsed("a: $x ${open", true) == Metadata{{"a", "$x ${open"}});
  CHECK(refused("a: ${LGEN_TEST_NOT_SET}", true) ==
        "-H 'a: ${LGEN_TEST_NOT_SET}': the environment variable LGEN_TEST_NOT_SET is not set");
}

TEST_CASE("what HTTP/2 cannot carry is refused") {
  CHECK(refused("plain") == "-H 'plain': is not of the form 'name: value'");
  for (const std::string key : {"na me", "grpc-foo", "grpc-timeout", "grpc-x-bin", "ü"}) {
    CHECK(refused(key + ": x") == "-H '" + key + ": x': metadata key \"" + key +
                                      "\" cannot be sent: a-z 0-9 - _ . only, not beginning with 'grpc-'");
  }
  CHECK(refused("Grpc-Foo: x").find("metadata key \"grpc-foo\" cannot be sent") != std::string::npos);
  CHECK(parsed("grpcfoo: x") == Metadata{{"grpcfoo", "x"}});
  CHECK(refused("a-bin: *") == "-H 'a-bin: *': the value of a -bin header must be base64");
  CHECK(refused("a-bin: aaaaa") == "-H 'a-bin: aaaaa': the value of a -bin header must be base64");
  CHECK(refused("a: é") ==
        "-H 'a: é': a value may hold printable ASCII only; name the header ...-bin and give it in base64");
}

}  // namespace
}  // namespace lgen::cli
