// The options of HTTP clients and requests as plans write them, read strictly.
// Thread: the loop's.
#pragma once

#include <lua.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "grpc_options.h"
#include "lgen/http.h"
#include "lgen/metrics.h"
#include "stack.h"

namespace lgen::lua {

/// Everything in `o` of lgen.http.client.
struct HttpDecl {
  std::string base;  // in front of paths: "http://host:port/prefix"; "": none
  HttpClientOptions wire;
  HttpHeaders headers;  // of every request
  Labels tags;
  BackendRule backend;
};

std::span<const KeySet> http_option_tables();

/// Reads `o` at `index` (may be absent). `what`: `lgen.http.client "web"`.
void read_http_options(lua_State* L, int index, std::string_view what, HttpDecl& decl);

/// Options of one request. Trivially destructible: nothing is lost when a later check raises.
struct HttpSettings {
  std::optional<Duration> timeout;
  // Stack indices; 0: none.
  int headers = 0, json = 0, tags = 0, name = 0;
};

/// Reads the table at `index` (may be absent); the values it refers to stay on the stack.
HttpSettings read_request_options(lua_State* L, int index, std::string_view what);

/// Adds the table at `index` (string -> string or list of strings) to `out`; a name that is there already, in any case,
/// is replaced.
void read_headers(lua_State* L, int index, std::string_view what, HttpHeaders& out);

}  // namespace lgen::lua
