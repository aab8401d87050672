// What an answer is in a plan: one block of memory; its texts, headers and body lie behind it, packed.
// Thread: the loop's.
#pragma once

#include <cstdint>
#include <lua.hpp>
#include <string>
#include <string_view>

#include "lgen/http.h"
#include "stack.h"

namespace lgen::lua {

struct HttpResponse {
  static constexpr ObjectType kType{"lgen.HttpResponse"};
  int status;
  bool reused, retried, two;  // two: HTTP/2
  Duration dns, connect, tls, queue, first_byte, total;
  std::uint64_t connection;  // 0: never connected
  // Sizes of what lies behind, in this order.
  std::uint32_t client, backend, peer, url, reason, headers, hops;
  std::uint64_t body;
};

/// Pushes the record of a request; without an answer its status is 0.
/// `number`: of its connection among the client's; 0: there was none.
void push_response(lua_State* L, std::string_view client, std::uint64_t number, std::string_view backend,
                   const HttpResult& result);

/// lgen.HttpResponse's fields.
int response_property(lua_State* L);
/// res:json()
int response_json(lua_State* L);
int response_tostring(lua_State* L);

}  // namespace lgen::lua
