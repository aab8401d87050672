#include "lua_codec.h"

#include <fmt/format.h>

#include "lgen/codec.h"
#include "table_cycle.h"
#include "table_sink.h"
#include "table_source.h"

namespace lgen::lua {
namespace {

/// A table that contains itself fails at the end of a long way; what helps is where it does so first.
Error explained(lua_State* L, int message, const MessagePlan& plan, const Fault& fault) {
  if (fault.text().ends_with(kTooDeepToWrite)) {
    if (const auto cycle = find_cycle(L, message)) {
      return make_error(ErrorCode::invalid_argument, fmt::format("{}{}: {}", plan.name, *cycle, kContainsItself));
    }
  }
  return fault.to_error(ErrorCode::invalid_argument);
}

}  // namespace

Outcome LuaCodec::encode(lua_State* L, int index, const MessagePlan& plan, WireBuffer& out) {
  const int top = lua_gettop(L);
  const int message = index < 0 ? top + index + 1 : index;
  TableSource source(L, access_.push(L, plan), message);
  Fault fault;
  out.clear();
  const bool ok = encode_message(plan, source, out, fault);
  lua_settop(L, top);
  if (!ok) return explained(L, message, plan, fault);
  return Done{};
}

Outcome LuaCodec::decode(lua_State* L, const MessagePlan& plan, std::string_view bytes) {
  const int top = lua_gettop(L);
  TableSink sink(L, access_, access_.push(L, plan));
  Fault fault;
  if (!decode_message(plan, bytes, sink, fault)) {
    lua_settop(L, top);
    return fault.to_error(ErrorCode::protocol);
  }
  lua_replace(L, top + 1);  // the array
  return Done{};
}

}  // namespace lgen::lua
