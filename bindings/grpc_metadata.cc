#include "grpc_metadata.h"

#include <fmt/format.h>

#include <algorithm>

#include "stack.h"

namespace lgen::lua {
namespace {

bool is_binary(std::string_view key) { return key.ends_with("-bin"); }

bool valid_key_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/// Lower-cases `key`; empty when it is none.
std::string clean_key(std::string_view key) {
  std::string lower(key);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const bool valid = std::all_of(lower.begin(), lower.end(), valid_key_char);
  return valid && !lower.starts_with("grpc-") ? lower : std::string();
}

bool printable_ascii(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

/// The value at the top of the stack.
void add_value(lua_State* L, std::string_view what, std::string_view key, Metadata& out) {
  if (lua_type(L, -1) != LUA_TSTRING) {
    raise(L, fmt::format("{}: metadata '{}': string or list of strings expected, got {}", what, key, describe(L, -1)));
  }
  const std::string_view value = to_view(L, -1);
  if (!is_binary(key) && !printable_ascii(value)) {
    raise(L, fmt::format("{}: metadata '{}': only printable ASCII can be sent; for bytes let the key end in '-bin'",
                         what, key));
  }
  out.emplace_back(key, value);
}

void add_pair(lua_State* L, std::string_view what, Metadata& out) {
  if (lua_type(L, -2) != LUA_TSTRING) {
    raise(L, fmt::format("{}: metadata keys are strings, got {}", what, describe(L, -2)));
  }
  const std::string key = clean_key(to_view(L, -2));
  if (key.empty()) {
    raise(L, fmt::format("{}: metadata key \"{}\" cannot be sent: a-z 0-9 - _ . only, not beginning with 'grpc-'", what,
                         to_view(L, -2)));
  }
  if (key == "te" || key == "content-type" || key == "user-agent") {
    raise(L, fmt::format("{}: metadata key \"{}\" cannot be sent: gRPC writes this header itself{}", what, key,
                         key == "user-agent" ? "; the channel's user_agent is put in front of it" : ""));
  }
  std::erase_if(out, [&](const auto& pair) { return pair.first == key; });
  if (lua_type(L, -1) != LUA_TTABLE) return add_value(L, what, key, out);
  const auto size = static_cast<int>(lua_objlen(L, -1));
  for (int i = 1; i <= size; ++i) {
    lua_rawgeti(L, -1, i);
    add_value(L, what, key, out);
    lua_pop(L, 1);
  }
}

char* put(char* out, std::string_view text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  std::memcpy(out, &size, sizeof(size));
  if (size > 0) std::memcpy(out + sizeof(size), text.data(), size);
  return out + sizeof(size) + size;
}

std::string_view take(std::string_view& packed) {
  std::uint32_t size = 0;
  std::memcpy(&size, packed.data(), sizeof(size));
  const std::string_view text = packed.substr(sizeof(size), size);
  packed.remove_prefix(sizeof(size) + size);
  return text;
}

/// Adds a value to the table at the top of the stack: the second one of a key makes a list.
void put_pair(lua_State* L, std::string_view key, std::string_view value) {
  push(L, key);
  lua_pushvalue(L, -1);
  lua_rawget(L, -3);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    push(L, value);
    lua_rawset(L, -3);
    return;
  }
  if (lua_type(L, -1) != LUA_TTABLE) {
    lua_createtable(L, 2, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);
  }
  push(L, value);
  lua_rawseti(L, -2, static_cast<int>(lua_objlen(L, -2)) + 1);
  lua_rawset(L, -3);
}

/// " of plan.lua:12", where it is defined.
std::string place_of_function(lua_State* L, int index) {
  lua_Debug info{};
  lua_pushvalue(L, index);
  lua_getinfo(L, ">S", &info);
  return info.linedefined > 0 ? fmt::format(" of {}:{}", info.short_src, info.linedefined) : "";
}

}  // namespace

int call_metadata_function(lua_State* L) {
  lua_call(L, 0, 1);
  return 1;
}

void read_metadata(lua_State* L, int index, std::string_view what, Metadata& out) {
  lua_pushvalue(L, index);
  const bool is_function = lua_isfunction(L, -1);
  if (is_function) {
    lua_pushcfunction(L, call_metadata_function);
    lua_insert(L, -2);
    lua_call(L, 1, 1);
  }
  if (lua_type(L, -1) != LUA_TTABLE) {
    raise(L, is_function ? fmt::format("{}: metadata: the function{} returned {}; a table expected", what,
                                       place_of_function(L, index), describe(L, -1))
                         : fmt::format("{}: metadata: table or function returning one expected, got {}", what,
                                       describe(L, -1)));
  }
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    add_pair(L, what, out);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

std::size_t packed_size(const MetadataView* metadata) {
  if (!metadata) return 0;
  std::size_t size = 0;
  for (const auto& [key, value] : *metadata) size += 2 * sizeof(std::uint32_t) + key.size() + value.size();
  return size;
}

char* pack_metadata(const MetadataView* metadata, char* out) {
  if (!metadata) return out;
  for (const auto& [key, value] : *metadata) out = put(put(out, key), value);
  return out;
}

std::optional<std::string_view> find_packed(std::string_view packed, std::string_view wanted) {
  while (!packed.empty()) {
    const std::string_view key = take(packed);
    const std::string_view value = take(packed);
    if (key == wanted) return value;
  }
  return std::nullopt;
}

std::pair<std::string_view, std::string_view> take_packed(std::string_view& packed) {
  const std::string_view key = take(packed);
  return {key, take(packed)};
}

void push_packed_metadata(lua_State* L, std::string_view packed) {
  lua_newtable(L);
  while (!packed.empty()) {
    const std::string_view key = take(packed);
    const std::string_view value = take(packed);
    put_pair(L, key, value);
  }
}

void push_metadata(lua_State* L, const MetadataView* metadata) {
  lua_newtable(L);
  if (!metadata) return;
  for (const auto& [key, value] : *metadata) put_pair(L, key, value);
}

}  // namespace lgen::lua
