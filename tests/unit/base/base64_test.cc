#include "lgen/base64.h"

#include <array>

#include "catch.h"

using namespace lgen;

TEST_CASE("bytes become base64 in three forms, and each is read back") {
  struct Row {
    std::string_view bytes, padded, unpadded, url;
  };
  // The first seven are the test vectors of RFC 4648.
  for (const auto& row : std::array<Row, 9>{{{"", "", "", ""},
                                             {"f", "Zg==", "Zg", "Zg"},
                                             {"fo", "Zm8=", "Zm8", "Zm8"},
                                             {"foo", "Zm9v", "Zm9v", "Zm9v"},
                                             {"foob", "Zm9vYg==", "Zm9vYg", "Zm9vYg"},
                                             {"fooba", "Zm9vYmE=", "Zm9vYmE", "Zm9vYmE"},
                                             {"foobar", "Zm9vYmFy", "Zm9vYmFy", "Zm9vYmFy"},
                                             {{"\0\xff\x10", 3}, "AP8Q", "AP8Q", "AP8Q"},
                                             {"\xfb\xff\xfe?", "+//+Pw==", "+//+Pw", "-__-Pw"}}}) {
    CAPTURE(row.padded);
    CHECK(to_base64(row.bytes) == row.padded);
    CHECK(to_base64(row.bytes, Base64::unpadded) == row.unpadded);
    CHECK(to_base64(row.bytes, Base64::url) == row.url);
    for (const auto text : {row.padded, row.unpadded, row.url}) CHECK(from_base64(text) == row.bytes);
  }
}

TEST_CASE("what is not base64 is not read") {
  for (const std::string_view text :
       {"Y", "Zm9vY", "Z?==", "Zg=", "Zg===", "Z===", "=", "====", "Zg==Zg==", "Zm 9v", "Zm9v\n", "Zh==", "Zm9="}) {
    CAPTURE(text);
    CHECK_FALSE(from_base64(text));
  }
}
