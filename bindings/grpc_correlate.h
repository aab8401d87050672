// `correlate` of ch:open: how a plan names which reply of a bidi stream answers which message.
// Thread: the loop's.
// Lifetime: one for a stream; the Lua state outlives it.
#pragma once

#include <cstdint>
#include <lua.hpp>
#include <memory>
#include <optional>
#include <string_view>

#include "correlation.h"
#include "field_path.h"
#include "lgen/recorder.h"
#include "lgen/schema.h"
#include "lgen/time.h"

namespace lgen::lua {

struct Host;

class StreamCorrelation {
 public:
  /// Reads the value at `index`: "order", the path of a field, or {send=, recv=, max=}. Raises on anything else.
  static std::unique_ptr<StreamCorrelation> read(lua_State* L, int index, const MethodInfo& method);
  StreamCorrelation(Host& host, const MethodInfo& method, std::size_t max);
  ~StreamCorrelation();
  StreamCorrelation(const StreamCorrelation&) = delete;
  StreamCorrelation& operator=(const StreamCorrelation&) = delete;

  /// The key of a message about to be sent: at `index` as the plan gave it, `bytes` as encoded. Raises what the plan's
  /// function raises.
  FieldValue key_of_sent(lua_State* L, int index, std::string_view bytes);
  /// It was accepted, and has been on its way since `at`.
  void sent(FieldValue key, const SendTimes& at);
  /// Records the round trip that ends with this message.
  void received(std::string_view message, TimePoint at, CallSite& site);
  std::uint64_t unanswered() const { return waiting_.unanswered(); }

 private:
  /// How one side's key is found.
  struct Side {
    const char* name;
    std::optional<FieldPath> path;
    int function = LUA_NOREF;
  };
  bool by_order() const { return !send_.path && send_.function == LUA_NOREF; }
  void read_table(lua_State* L, int index);
  void read_side(lua_State* L, int index, const MessagePlan* plan, Side& side);
  void set_path(lua_State* L, std::string_view path, const MessagePlan* plan, Side& side);
  void check_kinds(lua_State* L) const;
  bool key_of_received(std::string_view message, FieldValue& key);
  bool ask_function(std::string_view message, FieldValue& key);

  Host& host_;
  const MethodInfo& method_;
  Correlation waiting_;
  Side send_{"send", {}, LUA_NOREF}, recv_{"recv", {}, LUA_NOREF};
  std::int64_t sent_ = 0, received_ = 0;  // by order: so many of each
  bool complained_ = false;               // about a function that fails
};

}  // namespace lgen::lua
