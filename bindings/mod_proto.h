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
#include "lua_codec.h"
#include "modules.h"
#include "proto_reflection.h"
#include "stack.h"

namespace lgen::lua {

struct Host;

struct ProtoState {
  explicit ProtoState(Host&) {}
  std::vector<std::unique_ptr<PlanSchema>> plan_schemas;
  std::vector<std::string> untried;  // what `lgen check` could not try for want of a schema, each with its place
  std::unique_ptr<Schema> health;    // of grpc.health.v1, once it is needed
  LuaCodec codec;
  WireBuffer buffer;  // of the message being encoded; free again when the binding returns
};

/// What lgen.proto returns.
struct SchemaHandle {
  static constexpr ObjectType kType{"lgen.Schema"};
  PlanSchema* schema;
};

/// What api:method returns.
struct MethodHandle {
  static constexpr ObjectType kType{"lgen.Method"};
  const MethodInfo* info;
  const PendingMethod* pending = nullptr;  // of a schema by reflection
};

/// The method behind the handle. Raises while its schema is not known.
inline const MethodInfo& known_method(lua_State* L, const MethodHandle& handle, std::string_view what) {
  if (handle.pending && !handle.pending->known) refuse_unknown_method(L, what, *handle.pending);
  return *handle.info;
}

/// What api:message returns: a message encoded once, to be sent often. Its bytes lie behind it.
struct EncodedMessage {
  static constexpr ObjectType kType{"lgen.Encoded"};
  const MessagePlan* plan;
  std::size_t size;
};

/// The message at `index` as bytes: a table (of a well-known type what stands for it) or an lgen.Encoded of that type;
/// without a type (the method is given by its path) a string. Raises with the field's path. Valid until the next
/// message is encoded.
std::string_view encode_argument(lua_State* L, int index, const MessagePlan* plan, std::string_view what);

/// Pushes the message as a table (or what stands for it), or, without a plan, as a string. On an error pushes nothing.
Outcome push_message(Host& host, lua_State* L, const MessagePlan* plan, std::string_view bytes);

}  // namespace lgen::lua
