#include "lua_codec.h"

#include "lua_codec_fixture.h"

using namespace lgen;
using namespace lgen::test;

using Fixture = LuaCodecFixture;

namespace {

const char* const kTypes[] = {"everything.Scalars", "everything.Optionals", "everything.Lists", "everything.Maps",
                              "everything.Choices", "everything.WellKnown", "everything.Root",  "legacy.Old",
                              "legacy.Needs",       "everything.Wide",      "everything.Vast"};

}  // namespace

TEST_CASE_METHOD(Fixture, "what the library writes survives the way through a Lua table", "[lua_codec]") {
  RandomMessages random(11);
  for (int run = 0; run < property_runs(100000 / static_cast<int>(std::size(kTypes)) + 1); ++run) {
    for (const char* type : kTypes) {
      CAPTURE(run, type);
      MessagePtr message = make_message(type);
      random.fill(*message);
      check_round_trip(type, message->SerializeAsString());
    }
    REQUIRE(lua_gettop(L) == 0);
  }
}

TEST_CASE_METHOD(Fixture, "the round trip holds while the garbage collector runs all the time", "[lua_codec]") {
  lua_gc(L, LUA_GCSETPAUSE, 0);
  lua_gc(L, LUA_GCSETSTEPMUL, 100000);
  RandomMessages random(12);
  for (int run = 0; run < property_runs(60); ++run) {
    MessagePtr message = make_message("everything.Root");
    random.fill(*message);
    check_round_trip("everything.Root", message->SerializeAsString());
  }
}

TEST_CASE_METHOD(Fixture, "two messages in a row merge as in the library", "[lua_codec]") {
  RandomMessages random(13);
  random.to_be_merged = true;
  for (int run = 0; run < property_runs(200); ++run) {
    for (const char* type : kTypes) {
      CAPTURE(run, type);
      MessagePtr one = make_message(type);
      MessagePtr two = make_message(type);
      random.fill(*one);
      random.fill(*two);
      check_round_trip(type, one->SerializeAsString() + two->SerializeAsString());
    }
  }
}

TEST_CASE_METHOD(Fixture, "damaged bytes never crash and leave nothing on the stack", "[lua_codec]") {
  RandomMessages random(14);
  for (int run = 0; run < property_runs(2000); ++run) {
    const char* type = kTypes[run % std::size(kTypes)];
    MessagePtr message = make_message(type);
    random.fill(*message, 1);
    const bool read = codec.decode(L, plan(type), mutated(message->SerializeAsString(), random)).ok();
    REQUIRE(lua_gettop(L) == (read ? 1 : 0));
    lua_settop(L, 0);
  }
}

TEST_CASE_METHOD(Fixture, "a message cut off at any byte is refused or read, and leaves nothing on the stack",
                 "[lua_codec]") {
  const pb::LogSilencer quiet;
  RandomMessages random(15);
  for (int run = 0; run < property_runs(10); ++run) {
    for (const char* type : kTypes) {
      MessagePtr message = make_message(type);
      random.fill(*message, 1);
      const std::string bytes = message->SerializeAsString();
      for (std::size_t size = 0; size < bytes.size(); ++size) {
        const std::string_view cut = std::string_view(bytes).substr(0, size);
        const bool read = codec.decode(L, plan(type), cut).ok();
        CAPTURE(run, type, size);
        REQUIRE(lua_gettop(L) == (read ? 1 : 0));
        REQUIRE(read == make_message(type)->ParseFromString(std::string(cut)));
        lua_settop(L, 0);
      }
    }
  }
}

TEST_CASE_METHOD(Fixture, "a hundred levels fit Lua's stack, plain ones and values", "[lua_codec]") {
  struct Row {
    const char* type;
    std::string wire;
    const char* error;
  };
  // A list in a Value in a list ...: two messages a level.
  std::string deep;
  for (int i = 0; i < 50; ++i) deep = nested_in('\x0A', 1, nested_in('\x32', 1, deep));
  const Row rows[] = {
      {"everything.Root", nested_in('\x32', 100, ""), ""},
      {"everything.Root", nested_in('\x32', 101, ""), ".root.root: nested deeper than 100 messages"},
      {"google.protobuf.ListValue", deep, ""},
      {"google.protobuf.ListValue", nested_in('\x0A', 1, nested_in('\x32', 1, deep)),
       "[1][1]: nested deeper than 100 messages"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.type, row.error);
    const Outcome outcome = codec.decode(L, plan(row.type), row.wire);
    REQUIRE(outcome.ok() == (row.error[0] == 0));
    if (!outcome.ok()) CHECK(outcome.error().message.ends_with(row.error));
    if (outcome.ok()) CHECK(codec.encode(L, -1, plan(row.type), out).ok());
    lua_settop(L, 0);
  }
}

TEST_CASE_METHOD(Fixture, "what is wrong in a table is named with its path", "[lua_codec]") {
  struct Row {
    const char* type;
    const char* table;
    const char* message;
  };
  const Row rows[] = {
      {"everything.Scalars", "{ an_int32 = '3' }", "everything.Scalars.an_int32: int32 expected, got string \"3\""},
      {"everything.Scalars", "{ an_int32 = 1.5 }", "everything.Scalars.an_int32: int32 expected, got number 1.5"},
      {"everything.Scalars", "{ an_int32 = 0/0 }", "everything.Scalars.an_int32: int32 expected, got number nan"},
      {"everything.Scalars", "{ an_int32 = 2147483648 }",
       "everything.Scalars.an_int32: int32 expected, got number 2147483648, which is out of range"},
      {"everything.Scalars", "{ an_int32 = -2147483649LL }",
       "everything.Scalars.an_int32: int32 expected, got -2147483649, which is out of range"},
      {"everything.Scalars", "{ an_int32 = true }", "everything.Scalars.an_int32: int32 expected, got boolean true"},
      {"everything.Scalars", "{ an_int32 = require('ffi').new('int[1]') }",
       "everything.Scalars.an_int32: int32 expected, got cdata"},
      {"everything.Scalars", "{ a_uint32 = -1 }",
       "everything.Scalars.a_uint32: uint32 expected, got number -1, which is out of range"},
      {"everything.Scalars", "{ a_uint64 = -1LL }",
       "everything.Scalars.a_uint64: uint64 expected, got -1, which is out of range"},
      {"everything.Scalars", "{ an_int64 = 9223372036854775808ULL }",
       "everything.Scalars.an_int64: int64 expected, got 9223372036854775808, which is out of range"},
      {"everything.Scalars", "{ an_int64 = 2^53 + 2 }",
       "everything.Scalars.an_int64: int64 expected, got number 9007199254740994, which is out of range (beyond 2^53 "
       "write it with LL or ULL)"},
      {"everything.Scalars", "{ an_int64 = 1/0 }",
       "everything.Scalars.an_int64: int64 expected, got number inf, which is out of range"},
      {"everything.Scalars", "{ a_float = 1e39 }",
       "everything.Scalars.a_float: float expected, got number 9.9999999999999994e+38, which is out of range"},
      {"everything.Scalars", "{ a_double = '1' }", "everything.Scalars.a_double: double expected, got string \"1\""},
      {"everything.Scalars", "{ a_bool = 1 }", "everything.Scalars.a_bool: bool expected, got number 1"},
      {"everything.Scalars", "{ a_string = 5 }", "everything.Scalars.a_string: string expected, got number 5"},
      {"everything.Scalars", "{ a_bytes = {} }", "everything.Scalars.a_bytes: bytes expected, got table"},
      {"everything.Scalars", "{ a_string = '\\255' }",
       "everything.Scalars.a_string: the string is not valid UTF-8; declare the field as bytes to send it as it is"},
      {"everything.Scalars", "{ a_color = 'GREN' }",
       "everything.Scalars.a_color: enum everything.Color has no value 'GREN' (did you mean 'GREEN'?)"},
      {"everything.Scalars", "{ a_color = {} }",
       "everything.Scalars.a_color: enum everything.Color expected, got table"},
      {"everything.Scalars", "{ a_color = 1.5 }",
       "everything.Scalars.a_color: enum everything.Color expected, got number 1.5"},
      {"legacy.Old", "{ id = 1, name = '', mood = 7 }", "legacy.Old.mood: enum legacy.Mood has no value 7"},
      {"legacy.Old", "{ id = 1 }", "legacy.Old.name: required field is missing"},
      {"legacy.Needs", "{ mood = 1, old = {} }", "legacy.Needs.old.name: required field is missing"},
      {"everything.Scalars", "3", "everything.Scalars: table expected, got number 3"},
      {"everything.Scalars", "nil", "everything.Scalars: table expected, got nil"},
      {"everything.Scalars", "{ a_strin = 'x' }",
       "everything.Scalars: unknown field 'a_strin' (did you mean 'a_string'?)"},
      {"everything.Scalars", "{ a_string = 'x', an_int32 = 1, nonsense = 1 }",
       "everything.Scalars: unknown field 'nonsense' (there are: a_double, a_float, an_int32, an_int64, a_uint32, "
       "a_uint64, a_sint32, a_sint64, a_fixed32, a_fixed64, a_sfixed32, a_sfixed64, ...)"},
      {"everything.Scalars", "{ 'x' }",
       "everything.Scalars: the keys of a message are field names, got the key number 1"},
      {"everything.Scalars", "setmetatable({}, { __index = { a_bool = true } })",
       "everything.Scalars: this table is empty but for its metatable, which is not read here"},
      {"everything.Root", "{ scalars = 'x' }", "everything.Root.scalars: table expected, got string \"x\""},
      {"everything.Root", "{ root = { root = { nested = { level = 'MID' } } } }",
       "everything.Root.root.root.nested.level: enum everything.Root.Nested.Level has no value 'MID' (there are: LOW, "
       "HIGH)"},
      {"everything.Root", "{ lists = { messages = { {}, { a_bool = 0 } } } }",
       "everything.Root.lists.messages[2].a_bool: bool expected, got number 0"},
      {"everything.Root", "{ root = { lists = { messages = { {}, { x = 0 } } } } }",
       "everything.Root.root.lists.messages[2]: unknown field 'x' (there are: a_double, a_float, an_int32, an_int64, "
       "a_uint32, a_uint64, a_sint32, a_sint64, a_fixed32, a_fixed64, a_sfixed32, a_sfixed64, ...)"},
      {"everything.Lists", "{ int32s = 1 }", "everything.Lists.int32s: table expected, got number 1"},
      {"everything.Lists", "{ int32s = { 1, 'x' } }", "everything.Lists.int32s[2]: int32 expected, got string \"x\""},
      {"everything.Lists", "{ int32s = { 1, nil, 3 } }",
       "everything.Lists.int32s: the list has a hole: item 3 is there, item 2 is not"},
      {"everything.Lists", "{ int32s = { nil, nil, 3 } }",
       "everything.Lists.int32s: nothing here: the list has a hole"},
      {"everything.Lists", "{ int32s = { [1] = 1, [3] = 3 } }",
       "everything.Lists.int32s: the list has a hole: item 3 is there, item 2 is not"},
      {"everything.Lists", "{ int32s = { n = 0 } }",
       "everything.Lists.int32s: list expected, got a table with the key string \"n\""},
      {"everything.Lists", "{ int32s = { 1, 2, n = 2 } }",
       "everything.Lists.int32s: list expected, got a table with the key string \"n\""},
      {"everything.Lists", "{ int32s = { 1, [1.5] = 2 } }",
       "everything.Lists.int32s: the list has a hole: item 1.5 is there, item 2 is not"},
      {"everything.Lists", "{ int32s = { [0] = 1 } }",
       "everything.Lists.int32s: list expected, got a table with the key number 0"},
      {"everything.Maps", "{ by_string = { 1 } }", "everything.Maps.by_string[1]: key: string expected, got number 1"},
      {"everything.Maps", "{ by_string = { k = 'v' } }",
       "everything.Maps.by_string[\"k\"]: int32 expected, got string \"v\""},
      {"everything.Maps", "{ by_int32 = { [1.5] = 'v' } }",
       "everything.Maps.by_int32[1.5]: key: int32 expected, got number 1.5"},
      {"everything.Maps", "{ roots = { k = { scalars = { a_bool = 1 } } } }",
       "everything.Maps.roots[\"k\"].scalars.a_bool: bool expected, got number 1"},
      {"everything.Maps", "{ by_string = 'x' }", "everything.Maps.by_string: table expected, got string \"x\""},
      {"everything.Choices", "{ number = 1, text = 'x' }",
       "everything.Choices: oneof 'choice' takes one member, got 'number' and 'text'"},
      {"everything.Choices", "{ inner = { ratio = 1, inner = {} } }",
       "everything.Choices.inner: oneof 'other' takes one member, got 'ratio' and 'inner'"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.table);
    CHECK(encoded(row.type, row.table) == row.message);
  }
}

TEST_CASE_METHOD(Fixture, "a table that contains itself is refused", "[lua_codec]") {
  const std::pair<const char*, const char*> rows[] = {
      {"local t = {}; t.root = t; return t", ".root"},
      {"local t = {}; t.root = { root = t }; return t", ".root.root"},
      {"local t = {}; t.root = t; return { root = { root = t } }", ".root.root.root"},
      {"local t = {}; t.maps = { roots = { ['a b'] = t } }; return t", ".maps.roots[\"a b\"]"},
      {"local t = {}; t.root = { root = { root = { root = t } } }; t.maps = { roots = { k = t } }; return t",
       ".maps.roots.k"},
  };
  for (const auto& [body, path] : rows) {
    CAPTURE(body);
    CHECK(encoded("everything.Root", "(function() " + std::string(body) + " end)()") ==
          "everything.Root" + std::string(path) + ": a table that contains itself");
  }
  const std::string deep =
      encoded("everything.Root", "(function() local t = {}; for _ = 1, 102 do t = { root = t } end; return t end)()");
  CHECK(deep.ends_with(".root.root: nested deeper than 100 messages"));
}

TEST_CASE_METHOD(Fixture, "a wrong wire is an error of the protocol and names the field", "[lua_codec]") {
  const Outcome outcome = codec.decode(L, plan("everything.Root"), "\x0A\x02\x18\x80");
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.error().code == ErrorCode::protocol);
  CHECK(outcome.error().message == "everything.Root.scalars.an_int32: the message ends in the middle of a value");
  const Outcome listed = codec.decode(L, plan("everything.Lists"), "\x72\x01x\x72\x01\xFF");
  CHECK(listed.error().message == "everything.Lists.strings[2]: the string is not valid UTF-8");
  CHECK(lua_gettop(L) == 0);
}

TEST_CASE_METHOD(Fixture, "scalars without presence get their default, what has presence is nil", "[lua_codec]") {
  decode_global("everything.Scalars", "");
  CHECK(holds("m.a_double == 0 and m.an_int32 == 0 and m.an_int64 == 0 and m.a_uint64 == 0 and m.a_fixed32 == 0"));
  CHECK(holds("m.a_bool == false and m.a_string == '' and m.a_bytes == '' and m.a_color == 'COLOR_NONE'"));
  CHECK(holds("type(m.an_int64) == 'number' and type(m.a_uint64) == 'number'"));
  decode_global("everything.Optionals", "");
  CHECK(holds("next(m) == nil"));
  decode_global("everything.Choices", "");
  CHECK(holds("m.before == '' and m.between == false and m.number == nil and m.scalars == nil and m.inner == nil"));
  decode_global("everything.Lists", "");
  CHECK(holds("#m.int32s == 0 and type(m.messages) == 'table' and m.strings ~= m.int32s"));
  decode_global("everything.Maps", "");
  CHECK(holds("type(m.by_string) == 'table' and next(m.by_string) == nil"));
  decode_global("everything.Root", std::string("\x0A\x00", 2));
  CHECK(holds("m.scalars.a_color == 'COLOR_NONE' and m.lists == nil and m.far == 0"));
  decode_global("legacy.Old", std::string("\x08\x01\x12\x00", 4));
  CHECK(holds("m.id == 1 and m.name == '' and m.retries == nil and m.mood == nil and #m.moods == 0"));
}

TEST_CASE_METHOD(Fixture, "64-bit integers are numbers up to 2^53 and cdata beyond", "[lua_codec]") {
  const auto scalars = [&](std::int64_t i, std::uint64_t u) {
    everything::Scalars message;
    message.set_an_int64(i);
    message.set_a_uint64(u);
    decode_global("everything.Scalars", message.SerializeAsString());
  };
  scalars(9007199254740992, 9007199254740992);
  CHECK(holds("type(m.an_int64) == 'number' and m.an_int64 == 2^53 and type(m.a_uint64) == 'number'"));
  scalars(9007199254740993, 9007199254740993);
  CHECK(holds("type(m.an_int64) == 'cdata' and m.an_int64 == 9007199254740993LL"));
  CHECK(holds("require('ffi').istype('uint64_t', m.a_uint64) and m.a_uint64 == 9007199254740993ULL"));
  scalars(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::uint64_t>::max());
  CHECK(holds("m.an_int64 == -0x7fffffffffffffffLL - 1 and m.a_uint64 == 0xffffffffffffffffULL"));
  CHECK(holds("m.an_int64 ~= m.a_uint64 and tostring(m.an_int64) == '-9223372036854775808LL'"));

  CHECK(encoded("everything.Scalars", "{ an_int64 = -1LL }") == encoded("everything.Scalars", "{ an_int64 = -1 }"));
  CHECK(encoded("everything.Scalars", "{ an_int32 = 7ULL }") == encoded("everything.Scalars", "{ an_int32 = 7 }"));
  CHECK(encoded("everything.Scalars", "{ an_int32 = -2147483648LL }").size() == 11);
  decode_global("everything.Maps", encoded("everything.Maps", "{ by_int64 = { [5] = 'x', [-2LL] = 'y' } }"));
  CHECK(holds("m.by_int64[5] == 'x' and m.by_int64[-2] == 'y'"));
}

TEST_CASE_METHOD(Fixture, "a map's keys beyond 2^53 are digits, so that they can be looked up", "[lua_codec]") {
  const std::string bytes = encoded("everything.Maps", "{ by_int64 = { [-9007199254740993LL] = 'x' } }");
  decode_global("everything.Maps", bytes);
  CHECK(holds("m.by_int64['-9007199254740993'] == 'x'"));
  CHECK(encoded("everything.Maps", "{ by_int64 = { ['-9007199254740993'] = 'x' } }") == bytes);
  for (const char* key : {"5", "09007199254740993", "9007199254740993x", "-", ""}) {
    const std::string shown = std::string("\"") + key + "\"";
    CHECK(encoded("everything.Maps", "{ by_int64 = { [" + shown + "] = 'x' } }") ==
          "everything.Maps.by_int64[" + shown + "]: key: int64 expected, got string " + shown);
  }
  CHECK(encoded("everything.Maps", "{ by_int64 = { ['9223372036854775808'] = 'x' } }")
            .ends_with("int64 expected, got 9223372036854775808, which is out of range"));
}

TEST_CASE_METHOD(Fixture, "64-bit integers work in a state whose plan has not loaded ffi, and after it has",
                 "[lua_codec]") {
  lua_State* bare = luaL_newstate();
  luaL_openlibs(bare);  // ffi is only preloaded
  lua::LuaCodec bare_codec;
  everything::Scalars message;
  message.set_an_int64(std::numeric_limits<std::int64_t>::max());
  REQUIRE(bare_codec.decode(bare, plan("everything.Scalars"), message.SerializeAsString()).ok());
  REQUIRE(bare_codec.encode(bare, -1, plan("everything.Scalars"), out).ok());
  CHECK(out.view() == message.SerializeAsString());
  REQUIRE(luaL_dostring(bare, "assert(require('ffi').new('int64_t', 5) == 5LL)") == 0);
  REQUIRE(bare_codec.encode(bare, -1, plan("everything.Scalars"), out).ok());
  lua_close(bare);
}

TEST_CASE_METHOD(Fixture, "enums are names when read, names or numbers when written", "[lua_codec]") {
  const std::string red = encoded("everything.Scalars", "{ a_color = 'RED' }");
  CHECK(encoded("everything.Scalars", "{ a_color = 'CRIMSON' }") == red);
  CHECK(encoded("everything.Scalars", "{ a_color = 1 }") == red);
  decode_global("everything.Scalars", red);
  CHECK(holds("m.a_color == 'RED'"));
  decode_global("everything.Scalars", encoded("everything.Scalars", "{ a_color = -7 }"));
  CHECK(holds("m.a_color == 'INFRARED'"));
  decode_global("everything.Scalars", encoded("everything.Scalars", "{ a_color = 99 }"));
  CHECK(holds("m.a_color == 99"));
}

TEST_CASE_METHOD(Fixture, "special numbers and bytes pass unchanged", "[lua_codec]") {
  decode_global(
      "everything.Scalars",
      encoded("everything.Scalars", "{ a_double = 0/0, a_float = -1/0, a_bytes = '\\0\\255', a_string = 'a\\0b' }"));
  CHECK(holds("m.a_double ~= m.a_double and m.a_float == -math.huge and m.a_bytes == '\\0\\255' and #m.a_string == 3"));
  decode_global("everything.Scalars", encoded("everything.Scalars", "{ a_double = -0.0 }"));
  CHECK(holds("1 / m.a_double == -math.huge"));
}

TEST_CASE_METHOD(Fixture, "lists may lie in the hash part of a table", "[lua_codec]") {
  const std::string expected = encoded("everything.Lists", "{ int32s = { 1, 2, 3, 4, 5 } }");
  CHECK(encoded("everything.Lists",
                "(function() local t = {}; for i = 5, 1, -1 do t[i] = i end; return { int32s = t } end)()") ==
        expected);
  CHECK(encoded("everything.Lists", "{ int32s = {} }") == "");
}

TEST_CASE_METHOD(Fixture, "what a message has in front of it on the stack stays there", "[lua_codec]") {
  lua_pushliteral(L, "below");
  evaluate("{ a_bool = true }");
  lua_pushliteral(L, "above");
  REQUIRE(codec.encode(L, 2, plan("everything.Scalars"), out).ok());
  CHECK(lua_gettop(L) == 3);
  CHECK(std::string(lua_tostring(L, 3)) == "above");
  CHECK(out.view() == "\x68\x01");
}

TEST_CASE_METHOD(Fixture, "a type asked for later is known to a state that knows others", "[lua_codec]") {
  CHECK(encoded("everything.Scalars", "{ a_bool = true }") == "\x68\x01");
  auto other = Schema::from_files({{"codec/bench.proto"}, {}, LGEN_TEST_DATA, {}});
  REQUIRE(other.ok());
  evaluate("{ urgent = true }");
  REQUIRE(codec.encode(L, -1, **(*other)->message("codec_bench.Order"), out).ok());
  CHECK(out.view() == "\x30\x01");
}
