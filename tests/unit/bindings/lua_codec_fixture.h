// A Lua state with the codec and the types of tests/data/codec; `null` and `array` are lgen's.
#pragma once

#include <string>

#include "catch.h"
#include "json_values.h"
#include "lgen/schema.h"
#include "lua_codec.h"
#include "protobuf_fixtures.h"

namespace lgen::test {

struct LuaCodecFixture {
  LuaCodecFixture() {
    luaL_openlibs(L);
    lua::push_null(L);
    lua_setglobal(L, "null");
    lua_pushcfunction(L, make_array);
    lua_setglobal(L, "array");
    if (luaL_dostring(L, kSame) != 0) FAIL(lua_tostring(L, -1));
    auto loaded = Schema::from_files({{"codec/everything.proto"}, {}, LGEN_TEST_DATA, {}});
    REQUIRE(loaded.ok());
    schema = *std::move(loaded);
  }
  ~LuaCodecFixture() { lua_close(L); }

  const MessagePlan& plan(const std::string& type) { return **schema->message(type); }

  /// Runs `return <expression>` and leaves the value on the stack.
  void evaluate(const std::string& expression) {
    if (luaL_dostring(L, ("return " + expression).c_str()) != 0) FAIL(lua_tostring(L, -1));
  }

  /// The bytes of the table that `expression` gives; on an error its message.
  std::string encoded(const std::string& type, const std::string& expression) {
    evaluate(expression);
    const int top = lua_gettop(L);
    const Outcome outcome = codec.encode(L, -1, plan(type), out);
    CHECK(lua_gettop(L) == top);
    lua_pop(L, 1);
    return outcome.ok() ? std::string(out.view()) : outcome.error().message;
  }

  /// Decodes into the global `m`.
  void decode_global(const std::string& type, const std::string& bytes) {
    const int top = lua_gettop(L);
    REQUIRE(codec.decode(L, plan(type), bytes).ok());
    REQUIRE(lua_gettop(L) == top + 1);
    lua_setglobal(L, "m");
  }

  bool holds(const std::string& expression) {
    evaluate(expression);
    const bool result = lua_toboolean(L, -1) != 0;
    lua_pop(L, 1);
    return result;
  }

  /// Wire to table to wire, compared with what the library makes of both; and that wire to a table once more.
  void check_round_trip(const char* type, const std::string& bytes) {
    MessagePtr expected = make_message(type);
    REQUIRE(expected->ParseFromString(bytes));
    const Outcome read = codec.decode(L, plan(type), bytes);
    INFO((read.ok() ? "" : read.error().message));
    REQUIRE(read.ok());
    const Outcome written = codec.encode(L, -1, plan(type), out);
    INFO((written.ok() ? "" : written.error().message));
    REQUIRE(written.ok());
    MessagePtr again = make_message(type);
    REQUIRE(again->ParseFromString(std::string(out.view())));
    const bool equal = canonical(*again) == canonical(*expected);
    if (!equal) FAIL(expected->DebugString() << "---- became ----\n" << again->DebugString());
    lua_getglobal(L, "same");
    lua_insert(L, -2);
    REQUIRE(codec.decode(L, plan(type), out.view()).ok());
    lua_call(L, 2, 1);
    const bool same = lua_toboolean(L, -1) != 0;
    lua_pop(L, 1);
    if (!same) FAIL("another table came back: " << expected->DebugString());
  }

  /// same(a, b): equal in all that is in them; nan is nan, -0 is not 0.
  static constexpr const char* kSame =
      "local function same(a, b)\n"
      "  if type(a) ~= type(b) or getmetatable(a) ~= getmetatable(b) then return false end\n"
      "  if type(a) == 'number' then return a == b and 1 / a == 1 / b or a ~= a and b ~= b end\n"
      "  if type(a) ~= 'table' then return a == b end\n"
      "  for k, v in next, a do if not same(v, b[k]) then return false end end\n"
      "  for k in next, b do if a[k] == nil then return false end end\n"
      "  return true\n"
      "end\n"
      "_G.same = same\n";

  static int make_array(lua_State* L) {
    lua::mark_array(L);
    return 1;
  }

  lua_State* L = luaL_newstate();
  lua::LuaCodec codec;
  std::unique_ptr<Schema> schema;
  WireBuffer out;
};

}  // namespace lgen::test
