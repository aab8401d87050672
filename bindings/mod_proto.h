// lgen.proto: schemas, their methods and messages as a plan holds them.
// Thread: the loop's.
// Lifetime: schemas live as long as the Host, so that handles may point into them.
#pragma once

#include <memory>
#include <vector>

#include "lgen/schema.h"
#include "lgen/wire.h"
#include "modules.h"
#include "stack.h"

namespace lgen::lua {

struct Host;

struct ProtoState {
  explicit ProtoState(Host&) {}
  std::vector<std::unique_ptr<Schema>> schemas;
  WireBuffer buffer;  // of the message being encoded; free again when the binding returns
};

/// What lgen.proto returns.
struct SchemaHandle {
  static constexpr ObjectType kType{"lgen.Schema"};
  Schema* schema;
};

/// What api:method returns.
struct MethodHandle {
  static constexpr ObjectType kType{"lgen.Method"};
  const MethodInfo* info;
};

/// What api:message returns: a message encoded once, to be sent often. Its bytes follow it in the same block.
struct EncodedMessage {
  static constexpr ObjectType kType{"lgen.Encoded"};
  const MessagePlan* plan;
  std::size_t size;
  std::string_view bytes() const { return {reinterpret_cast<const char*>(this + 1), size}; }
};

/// Raises unless `index` is a lgen.Method.
const MethodInfo& check_method(lua_State* L, int index, std::string_view what);

/// The message at `index` as bytes: a table or an lgen.Encoded of that type; without a type (a method called by its
/// path) a string. Raises with the field's path. Valid until the next message is encoded.
std::string_view encode_argument(lua_State* L, int index, const MessagePlan* plan, std::string_view what);

/// Pushes the decoded message and returns true; else pushes nothing and `fault` says why.
bool decode_reply(lua_State* L, const MessagePlan* plan, std::string_view bytes, bool decode, Fault& fault);

}  // namespace lgen::lua
