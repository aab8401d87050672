// Metadata between Lua tables, gRPC and a compact copy that outlives the call.
// Thread: the loop's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <lua.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lgen/grpc.h"

namespace lgen::lua {

/// Called with the plan's function: its frame tells those who would wait inside where they are.
int call_metadata_function(lua_State* L);

/// Adds the table at `index` (string -> string or list of strings), or what the function there returns, to `out`.
/// A key that is there already is replaced. Raises on keys and values HTTP/2 can not carry.
void read_metadata(lua_State* L, int index, std::string_view what, Metadata& out);

/// Bytes that pack_metadata writes.
std::size_t packed_size(const MetadataView* metadata);
/// Appends the pairs at `out` and returns the end.
char* pack_metadata(const MetadataView* metadata, char* out);
/// The first value of a key.
std::optional<std::string_view> find_packed(std::string_view packed, std::string_view key);
/// Takes the first pair off what pack_metadata wrote.
std::pair<std::string_view, std::string_view> take_packed(std::string_view& packed);
/// Pushes {key = "value" or {"first", "second"}}. `packed`: what pack_metadata wrote.
void push_packed_metadata(lua_State* L, std::string_view packed);
void push_metadata(lua_State* L, const MetadataView* metadata);

}  // namespace lgen::lua
