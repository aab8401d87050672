// Lua tables to protobuf wire bytes and back, by the engine's field plans.
//
// Tables are read and written raw: metatables have no say. Field and enum names are interned once per Lua state in one
// array, so that a field costs two table look-ups and no hashing of text. int64 and uint64 are numbers up to 2^53 and
// int64_t or uint64_t cdata beyond (as keys of a map: strings of decimal digits).
//
// Thread: the loop's. Lifetime: nothing is kept but the names.
// Subtleness: a Lua error (out of memory only) may leave by longjmp; nothing in here has a destructor then.
#pragma once

#include <lua.hpp>
#include <string_view>

#include "lgen/error.h"
#include "lgen/message_plan.h"
#include "lgen/wire.h"

namespace lgen::lua {

/// Replaces what `out` holds by the message at `index`. The error names the field: "streaming.TextRequest.channel_id:
/// int32 expected, got string "3"". The stack stays as it was.
Outcome encode(lua_State* L, int index, const MessagePlan& plan, WireBuffer& out);

/// Pushes the message as a table; on an error pushes nothing.
Outcome decode(lua_State* L, const MessagePlan& plan, std::string_view bytes);

}  // namespace lgen::lua
