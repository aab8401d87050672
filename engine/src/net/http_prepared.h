// A request made ready once: all of it that does not change from one sending to the next, for either version of HTTP.
// Thread: any; read-only once made.
#pragma once

#include <nghttp2/nghttp2.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
};

/// Fills `fields` and `nvs` from the lines of the head. What only concerns one connection of HTTP/1.1 is left out.
/// nghttp2 copies none of it: who sends it keeps it until it has left, or its stream was reset.
void make_fields(HttpPrepared& ready);

nghttp2_nv make_nv(std::string_view name, std::string_view value);

}  // namespace lgen
