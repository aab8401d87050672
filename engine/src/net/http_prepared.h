// A request made ready once: all of it that does not change from one sending to the next, for either version of HTTP.
// Thread: any; read-only once made.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "h2_hpack.h"
#include "http1_request.h"
#include "lgen/http.h"

namespace lgen {

class HttpPlace;

class HttpPrepared {
 public:
  HttpRequest request;  // without its body
  Url url;
  std::string text;  // the URL as messages show it
  Http1Head head;
  HttpPlace* place = nullptr;
  std::vector<std::pair<std::string, std::string>> fields;  // of HTTP/2, pseudo-headers first
  std::vector<nghttp2_nv> nvs;                              // into `fields`
  std::uint64_t serial = new_h2_serial();                   // of these
};

/// Fills `fields` and `nvs` from the lines of the head. What only concerns one connection of HTTP/1.1 is left out.
void make_fields(HttpPrepared& ready);

nghttp2_nv make_nv(std::string_view name, std::string_view value);

}  // namespace lgen
