// lgen.proto: schemas, their methods and messages as a plan holds them.
// Thread: the loop's.
// Lifetime: schemas live as long as the Host, so that handles may point into them.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
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
  Schema* health = nullptr;  // of grpc.health.v1, once it is needed
  WireBuffer buffer;         // of the message being encoded; free again when the binding returns
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

/// What api:message returns: a message encoded once, to be sent often. Its bytes lie behind it.
struct EncodedMessage {
  static constexpr ObjectType kType{"lgen.Encoded"};
  const MessagePlan* plan;
  std::size_t size;
};

/// The message at `index` as bytes: a table or an lgen.Encoded of that type; without a type (the method is given by its
/// path) a string. Raises with the field's path. Valid until the next message is encoded.
std::string_view encode_argument(lua_State* L, int index, const MessagePlan* plan, std::string_view what);

/// Pushes the message as a table, or, without a plan, as a string. On an error pushes nothing.
Outcome push_message(lua_State* L, const MessagePlan* plan, std::string_view bytes);

}  // namespace lgen::lua
