// Lua tables to protobuf wire bytes and back, by the engine's field plans.
//
// Tables are read and written raw: metatables have no say. int64 and uint64 are numbers up to 2^53 and int64_t or
// uint64_t cdata beyond (as keys of a map: strings of decimal digits). Well-known types are what they stand for:
//
//   Timestamp, Duration   seconds, a number; also {seconds =, nanos =}, for what a double cannot hold
//   wrappers              the scalar; absent is nil
//   Struct                a table with string keys
//   ListValue             a list
//   Value                 lgen.null, boolean, number, string, list or table; an empty list is lgen.array{}
//   FieldMask             a list of paths
//   Any                   the message inside with its type URL as ["@type"]; a well-known type inside, or the bytes of
//                         one that the schema does not have, is the field `value`
//   Empty                 {}
//
// An extension of the loaded files is the field ["[pkg.name]"]; it is nil where it is absent, lists too.
//
// Thread: the loop's. Lifetime: of the Lua state; what is kept are names and generated functions.
// Subtleness: a Lua error (out of memory only) may leave by longjmp; nothing in here has a destructor then.
#pragma once

#include <lua.hpp>
#include <string_view>

#include "lgen/error.h"
#include "lgen/message_plan.h"
#include "lgen/wire.h"
#include "table_access.h"

namespace lgen::lua {

class LuaCodec {
 public:
  /// Replaces what `out` holds by the message at `index`. The error names the field: "streaming.TextRequest.channel_id:
  /// int32 expected, got string "3"". The stack stays as it was. L: any coroutine of the one state.
  Outcome encode(lua_State* L, int index, const MessagePlan& plan, WireBuffer& out);

  /// Pushes the message as a table (or what it stands for); on an error pushes nothing.
  Outcome decode(lua_State* L, const MessagePlan& plan, std::string_view bytes);

 private:
  TableAccess access_;
};

}  // namespace lgen::lua
