// Well-known types as what they stand for in Lua, and extensions: what LUA_API's tables hold, what is refused.
#include <google/protobuf/text_format.h>

#include "lgen/well_known.h"
#include "lua_codec_fixture.h"

using namespace lgen;
using namespace lgen::test;

namespace {

struct Fixture : LuaCodecFixture {
  /// The library's message in its text format, on one line; or the error.
  std::string text_of(const std::string& type, const std::string& expression) {
    const std::string bytes = encoded(type, expression);
    MessagePtr message = make_message(type);
    if (!message->ParsePartialFromString(bytes)) return bytes;
    pb::TextFormat::Printer printer;
    printer.SetSingleLineMode(true);
    std::string text;
    printer.PrintToString(*message, &text);
    return text.empty() ? text : text.substr(0, text.size() - 1);
  }

  /// Decodes a message given in the library's text format into the global `m`.
  void decode_text(const std::string& type, const std::string& text) {
    MessagePtr message = make_message(type);
    REQUIRE(pb::TextFormat::ParseFromString(text, message.get()));
    decode_global(type, message->SerializePartialAsString());
  }
};

constexpr const char* kKnown = "everything.WellKnown";

}  // namespace

TEST_CASE_METHOD(Fixture, "a well-known type is written from what it stands for, and read as it again",
                 "[well_known]") {
  struct Row {
    const char* table;
    const char* message;
    const char* holds;
  };
  const Row rows[] = {
      {"{ at = 0 }", "at { }", "m.at == 0"},
      {"{ at = 1700000000 }", "at { seconds: 1700000000 }", "m.at == 1700000000"},
      {"{ at = 1700000000.123456 }", "at { seconds: 1700000000 nanos: 123456000 }", "m.at == 1700000000.123456"},
      {"{ at = 12.123456789 }", "at { seconds: 12 nanos: 123456789 }", "m.at == 12.123456789"},
      {"{ at = -0.25 }", "at { seconds: -1 nanos: 750000000 }", "m.at == -0.25"},
      {"{ at = 0.9999999999 }", "at { seconds: 1 }", "m.at == 1"},
      {"{ at = 1e-10 }", "at { }", "m.at == 0"},
      {"{ at = 253402300799 }", "at { seconds: 253402300799 }", "m.at == 253402300799"},
      {"{ at = { seconds = 1700000000, nanos = 123456789 } }", "at { seconds: 1700000000 nanos: 123456789 }",
       "m.at == 1700000000.1234567"},
      {"{ took = 1.5 }", "took { seconds: 1 nanos: 500000000 }", "m.took == 1.5"},
      {"{ took = -1.000000001 }", "took { seconds: -1 nanos: -1 }", "m.took == -1.000000001"},
      {"{ took = -0.5 }", "took { nanos: -500000000 }", "m.took == -0.5"},
      {"{ an_int64 = 5, a_bool = false, a_string = '' }", "an_int64 { value: 5 } a_bool { } a_string { }",
       "m.an_int64 == 5 and m.a_bool == false and m.a_string == '' and m.a_double == nil and m.a_bytes == nil"},
      {"{ a_uint64 = 18446744073709551615ULL }", "a_uint64 { value: 18446744073709551615 }",
       "m.a_uint64 == 18446744073709551615ULL"},
      {"{ settings = { a = 1, b = { c = 'x' } } }",
       "settings { fields { key: \"a\" value { number_value: 1 } } fields { key: \"b\" value { struct_value { fields { "
       "key: \"c\" value { string_value: \"x\" } } } } } }",
       "m.settings.a == 1 and m.settings.b.c == 'x'"},
      {"{ settings = {} }", "settings { }", "type(m.settings) == 'table' and next(m.settings) == nil"},
      {"{ value = null }", "value { null_value: NULL_VALUE }", "m.value == null"},
      {"{ value = 0 }", "value { number_value: 0 }", "m.value == 0"},
      {"{ value = 5LL }", "value { number_value: 5 }", "m.value == 5"},
      {"{ value = '' }", "value { string_value: \"\" }", "m.value == ''"},
      {"{ value = false }", "value { bool_value: false }", "m.value == false"},
      {"{ value = {} }", "value { struct_value { } }", "next(m.value) == nil and getmetatable(m.value) == nil"},
      {"{ value = array {} }", "value { list_value { } }", "#m.value == 0 and getmetatable(m.value) == 'lgen.array'"},
      {"{ value = { 1, null, { 2 } } }",
       "value { list_value { values { number_value: 1 } values { null_value: NULL_VALUE } values { list_value { values "
       "{ number_value: 2 } } } } }",
       "#m.value == 3 and m.value[2] == null and m.value[3][1] == 2"},
      {"{ list = {} }", "list { }", "#m.list == 0"},
      {"{ list = { true, 'x' } }", "list { values { bool_value: true } values { string_value: \"x\" } }",
       "m.list[1] == true and m.list[2] == 'x'"},
      {"{ mask = { 'a.b', 'c' } }", "mask { paths: \"a.b\" paths: \"c\" }",
       "#m.mask == 2 and m.mask[1] == 'a.b' and m.mask[2] == 'c'"},
      {"{ empty = {} }", "empty { }", "type(m.empty) == 'table' and next(m.empty) == nil"},
      {"{ times = { 1, 2.5 } }", "times { seconds: 1 } times { seconds: 2 nanos: 500000000 }",
       "#m.times == 2 and m.times[2] == 2.5"},
      {"{ int64s = { 0, 7 }, values = { null, 1 } }",
       "values { null_value: NULL_VALUE } values { number_value: 1 } int64s { } int64s { value: 7 }",
       "m.int64s[1] == 0 and m.int64s[2] == 7 and m.values[1] == null"},
      {"{ durations = { x = 0.001 }, string_of = { k = '' } }",
       "durations { key: \"x\" value { nanos: 1000000 } } string_of { key: \"k\" value { } }",
       "m.durations.x == 0.001 and m.string_of.k == ''"},
      {"{ took = '250ms', durations = { x = '1m30s' } }",
       "took { nanos: 250000000 } durations { key: \"x\" value { seconds: 90 } }",
       "m.took == 0.25 and m.durations.x == 90"},
      {"{ moment = 3 }", "moment { seconds: 3 }", "m.moment == 3 and m.free == nil"},
      {"{ free = 'x' }", "free { string_value: \"x\" }", "m.free == 'x' and m.count == nil"},
      {"{ any = { ['@type'] = 'type.googleapis.com/everything.Scalars', an_int32 = 5 } }",
       "any { type_url: \"type.googleapis.com/everything.Scalars\" value: \"\\030\\005\" }",
       "m.any['@type'] == 'type.googleapis.com/everything.Scalars' and m.any.an_int32 == 5 and m.any.a_string == ''"},
      {"{ any = { ['@type'] = 'x/google.protobuf.Duration', value = 1.5 } }",
       "any { type_url: \"x/google.protobuf.Duration\" value: \"\\010\\001\\020\\200\\312\\265\\356\\001\" }",
       "m.any.value == 1.5"},
      {"{ any = { ['@type'] = 'x/no.Such', value = '\\1\\2' } }",
       "any { type_url: \"x/no.Such\" value: \"\\001\\002\" }",
       "m.any['@type'] == 'x/no.Such' and m.any.value == '\\1\\2'"},
      {"{ any = { ['@type'] = 'everything.Scalars', value = '\\1' } }",
       "any { type_url: \"everything.Scalars\" value: \"\\001\" }", "m.any['@type'] == 'everything.Scalars'"},
      {"{ any = {} }", "any { }", "next(m.any) == nil"},
      {"{ any = { type_url = 'x/no.Such' } }", "any { type_url: \"x/no.Such\" }", "m.any.value == nil"},
      {"{ any = { ['@type'] = 'x/google.protobuf.Any', value = { ['@type'] = 'x/everything.Scalars', a_color = 'RED' } "
       "} }",
       "any { type_url: \"x/google.protobuf.Any\" value: \"\\n\\024x/everything.Scalars\\022\\003\\200\\001\\001\" }",
       "m.any.value['@type'] == 'x/everything.Scalars' and m.any.value.a_color == 'RED'"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.table);
    CHECK(text_of(kKnown, row.table) == row.message);
    decode_global(kKnown, encoded(kKnown, row.table));
    CHECK(holds(row.holds));
    CHECK(lua_gettop(L) == 0);
  }
}

TEST_CASE_METHOD(Fixture, "what does not fit a well-known type is refused with its path", "[well_known]") {
  struct Row {
    const char* table;
    const char* message;
  };
  constexpr const char* kYears =
      "a number of seconds from -62135596800 to 253402300799 (the years 1 to 9999) or a text such as "
      "\"2024-05-01T12:00:00Z\" expected, got ";
  const Row rows[] = {
      {"{ at = 'now' }", "string \"now\""},
      {"{ at = 253402300800 }", "253402300800"},
      {"{ at = -62135596800.5 }", "-62135596800.5"},
      {"{ at = 0/0 }", "nan"},
      {"{ at = 1/0 }", "inf"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.table);
    CHECK(encoded(kKnown, row.table).starts_with(std::string("everything.WellKnown.at: ") + kYears));
  }
  const Row others[] = {
      {"{ took = 315576000001 }",
       "everything.WellKnown.took: a number of seconds from -315576000000 to 315576000000 (10,000 years) or a text "
       "such as \"250ms\" expected, got 315576000001"},
      {"{ took = '5x' }",
       "everything.WellKnown.took: a number of seconds from -315576000000 to 315576000000 (10,000 years) or a text "
       "such as \"250ms\" expected, got string \"5x\""},
      {"{ at = '5s' }",
       "everything.WellKnown.at: a number of seconds from -62135596800 to 253402300799 (the years 1 to 9999) or "
       "a text such as \"2024-05-01T12:00:00Z\" expected, got string \"5s\""},
      {"{ times = { 1, true } }",
       "everything.WellKnown.times[2]: a number of seconds from -62135596800 to 253402300799 (the years 1 to 9999) or "
       "a text such as \"2024-05-01T12:00:00Z\" expected, got boolean true"},
      {"{ at = { second = 1 } }", "everything.WellKnown.at: unknown field 'second' (did you mean 'seconds'?)"},
      {"{ an_int64 = 'x' }", "everything.WellKnown.an_int64: int64 expected, got string \"x\""},
      {"{ an_int64 = null }", "everything.WellKnown.an_int64: int64 expected, got lgen.null"},
      {"{ an_int32 = { value = 1 } }", "everything.WellKnown.an_int32: int32 expected, got table"},
      {"{ value = print }",
       "everything.WellKnown.value: a value as JSON has it expected (lgen.null, boolean, number, string, list or map), "
       "got function"},
      {"{ value = 9007199254740993LL }",
       "everything.WellKnown.value: double expected, got 9007199254740993, which is out of range"},
      {"{ value = { 1, x = 2 } }", "everything.WellKnown.value: list expected, got a table with the key string \"x\""},
      {"{ value = { [1.5] = 2 } }", "everything.WellKnown.value[1.5]: key: string expected, got number 1.5"},
      {"{ settings = { a = { b = '\\255' } } }",
       "everything.WellKnown.settings[\"a\"][\"b\"]: the string is not valid UTF-8; declare the field as bytes to send "
       "it "
       "as it is"},
      {"{ settings = 'x' }", "everything.WellKnown.settings: table expected, got string \"x\""},
      {"{ list = { x = 1 } }", "everything.WellKnown.list: list expected, got a table with the key string \"x\""},
      {"{ mask = { 1 } }", "everything.WellKnown.mask[1]: string expected, got number 1"},
      {"{ any = 'x' }", "everything.WellKnown.any: table expected, got string \"x\""},
      {"{ any = { ['@type'] = 5 } }", "everything.WellKnown.any: [\"@type\"]: string expected, got number 5"},
      {"{ any = { ['@type'] = '' } }",
       "everything.WellKnown.any: [\"@type\"]: a type such as \"type.googleapis.com/pkg.Type\" expected"},
      {"{ any = { ['@type'] = 'x/everything.Scalars', an_int32 = 'x' } }",
       "everything.WellKnown.any.an_int32: int32 expected, got string \"x\""},
      {"{ any = { ['@type'] = 'x/everything.Scalars', nonsense = 1 } }",
       "everything.WellKnown.any: unknown field 'nonsense' (there are: a_double, a_float, an_int32, an_int64, "
       "a_uint32, "
       "a_uint64, a_sint32, a_sint64, a_fixed32, a_fixed64, a_sfixed32, a_sfixed64, ...)"},
      {"{ any = { ['@type'] = 'everything.Scalars', an_int32 = 1 } }",
       "everything.WellKnown.any: unknown field 'an_int32': beside \"@type\" there is only value, for a well-known "
       "type "
       "or the bytes of one that the schema does not have"},
      {"{ any = { ['@type'] = 'x/google.protobuf.Timestamp' } }",
       "everything.WellKnown.any.value: google.protobuf.Timestamp expected"},
      {"{ any = { ['@type'] = 'x/no.Such', value = 5 } }",
       "everything.WellKnown.any.value: bytes expected, got number 5"},
      {"{ inner = { ['@type'] = 'x' } }",
       "everything.WellKnown.inner: unknown field '@type' (only a google.protobuf.Any has it)"},
      {"{ moment = 1, free = 2 }", "everything.WellKnown: oneof 'choice' takes one member, got 'moment' and 'free'"},
  };
  for (const Row& row : others) {
    CAPTURE(row.table);
    CHECK(encoded(kKnown, row.table) == row.message);
  }
  CHECK(encoded(kKnown, "(function() local t = {}; t['a b'] = t; return { value = t } end)()") ==
        "everything.WellKnown.value[\"a b\"]: a table that contains itself");
}

TEST_CASE_METHOD(Fixture, "a well-known type can be the whole message", "[well_known]") {
  const auto bytes = [&](const char* type, const char* expression) { return encoded(type, expression); };
  CHECK(bytes("google.protobuf.Int32Value", "7") == "\x08\x07");
  CHECK(bytes("google.protobuf.Int32Value", "'7'") == "google.protobuf.Int32Value: int32 expected, got string \"7\"");
  CHECK(bytes("google.protobuf.StringValue", "''").empty());
  CHECK(bytes("google.protobuf.Timestamp", "5") == "\x08\x05");
  CHECK(bytes("google.protobuf.Struct", "{}").empty());
  CHECK(bytes("google.protobuf.Empty", "{}").empty());
  CHECK(bytes("google.protobuf.Value", "null") == std::string("\x08\x00", 2));
  decode_global("google.protobuf.Int32Value", "\x08\x07");
  CHECK(holds("m == 7"));
  decode_global("google.protobuf.StringValue", "");
  CHECK(holds("m == ''"));
  decode_global("google.protobuf.Value", "");
  CHECK(holds("m == null"));
  decode_global("google.protobuf.Duration", "\x08\x05");
  CHECK(holds("m == 5"));
  decode_global("google.protobuf.Empty", "");
  CHECK(holds("type(m) == 'table'"));
  decode_global("google.protobuf.FieldMask", "\x0A\x01x");
  CHECK(holds("m[1] == 'x'"));
}

TEST_CASE_METHOD(Fixture, "times keep every digit that a double holds", "[well_known]") {
  RandomMessages random(31);
  for (int run = 0; run < property_runs(20000); ++run) {
    const int places = random.below(10);
    const auto whole = static_cast<std::int64_t>(random.bits() % 1000000);
    std::int32_t nanos = 0;
    for (int i = 0; i < 9; ++i) nanos = 10 * nanos + (i < places ? random.below(10) : 0);
    const SecondsAndNanos time{whole, nanos};
    const auto again = split_seconds(as_number(time), MessageForm::timestamp);
    CAPTURE(whole, nanos);
    REQUIRE((again && again->seconds == whole && again->nanos == nanos));
  }
}

TEST_CASE_METHOD(Fixture, "what a peer sends as a time is never refused", "[well_known]") {
  decode_text(kKnown, "at { seconds: 9223372036854775807 nanos: -5 } took { nanos: 2147483647 }");
  CHECK(holds("m.at == 2^63 and m.took == 2.147483647"));
}

TEST_CASE_METHOD(Fixture, "a well-known type in pieces is merged as the library merges it", "[well_known]") {
  struct Row {
    const char* scenario;
    std::vector<const char*> pieces;
    const char* holds;
  };
  const Row rows[] = {
      {"a time", {"at { seconds: 5 }", "at { nanos: 500000000 }"}, "m.at == 5.5"},
      {"a wrapper", {"an_int64 { value: 5 }", "an_int64 { }"}, "m.an_int64 == 5"},
      {"a map",
       {"settings { fields { key: 'a' value { number_value: 1 } } }",
        "settings { fields { key: 'b' value { number_value: 2 } } }"},
       "m.settings.a == 1 and m.settings.b == 2"},
      {"a list", {"list { values { number_value: 1 } }", "list { values { number_value: 2 } }"}, "#m.list == 2"},
      {"a value's list",
       {"value { list_value { values { number_value: 1 } } }", "value { list_value { values { number_value: 2 } } }"},
       "#m.value == 2"},
      {"another kind of value", {"value { list_value { } }", "value { number_value: 2 }"}, "m.value == 2"},
      {"inside a message in pieces",
       {"inner { at { seconds: 5 } }", "inner { at { nanos: 500000000 } }"},
       "m.inner.at == 5.5"},
      {"a member of a oneof", {"moment { seconds: 5 }", "moment { nanos: 500000000 }"}, "m.moment == 5.5"},
      {"a member of a oneof, another one between",
       {"moment { seconds: 5 }", "word: 'x'", "moment { nanos: 500000000 }"},
       "m.moment == 0.5 and m.word == nil"},
      {"a oneof that ends with another member",
       {"moment { seconds: 5 }", "moment { nanos: 5 }", "word: 'x'"},
       "m.moment == nil and m.word == 'x'"},
      {"an Any's parts",
       {"any { type_url: 'x/everything.Scalars' }", "any { value: '\\030\\005' }"},
       "m.any.an_int32 == 5"},
      {"a group around it",
       {"at { seconds: 5 }", "at { nanos: 500000000 } times { seconds: 1 } times { seconds: 2 }"},
       "m.at == 5.5 and #m.times == 2"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.scenario);
    std::string bytes;
    for (const char* piece : row.pieces) {
      MessagePtr message = make_message(kKnown);
      REQUIRE(pb::TextFormat::ParseFromString(piece, message.get()));
      bytes += message->SerializeAsString();
    }
    decode_global(kKnown, bytes);
    CHECK(holds(row.holds));
    CHECK(lua_gettop(L) == 0);
  }
}

TEST_CASE_METHOD(Fixture, "malformed well-known types are refused with their path", "[well_known]") {
  struct Row {
    const char* scenario;
    std::string bytes;
    const char* fault;
  };
  const Row rows[] = {
      {"a time cut off", bytes_of({0x0A, 2, 0x08, 0x80}),
       "everything.WellKnown.at.seconds: the message ends in the middle of a value"},
      {"a time with text", bytes_of({0x0A, 3, 0x0A, 1, 'x'}),
       "everything.WellKnown.at.seconds: int64 expected, got length and bytes on the wire; does the .proto file fit "
       "the "
       "peer?"},
      {"a wrapper of another type", bytes_of({0x62, 2, 0x0A, 0}),
       "everything.WellKnown.an_int64: int64 expected, got length and bytes on the wire; does the .proto file fit the "
       "peer?"},
      {"a wrapped string that is no UTF-8", bytes_of({0x8A, 1, 3, 0x0A, 1, 0xFF}),
       "everything.WellKnown.a_string: the string is not valid UTF-8"},
      {"the second item of a list", bytes_of({0x2A, 7, 0x0A, 2, 0x08, 0, 0x0A, 1, 0x08}),
       "everything.WellKnown.list[2]: the message ends in the middle of a value"},
      {"an Any's type that is no UTF-8", bytes_of({0x32, 3, 0x0A, 1, 0xFF}),
       "everything.WellKnown.any.type_url: the string is not valid UTF-8"},
      {"a piece that is cut off", bytes_of({0x0A, 2, 0x08, 5, 0x0A, 1, 0x10}),
       "everything.WellKnown.at: the message ends in the middle of a value"},
      {"two halves that are whole only together", bytes_of({0x0A, 1, 0x08, 0x0A, 1, 5}),
       "everything.WellKnown.at.seconds: the message ends in the middle of a value"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.scenario);
    const Outcome outcome = codec.decode(L, plan(kKnown), row.bytes);
    REQUIRE_FALSE(outcome.ok());
    CHECK(outcome.error().message == row.fault);
    CHECK(lua_gettop(L) == 0);
  }
}

TEST_CASE_METHOD(Fixture, "extensions of the loaded files are fields with their name in brackets", "[well_known]") {
  CHECK(text_of("legacy.Old",
                "{ id = 1, name = 'x', ['[legacy.priority]'] = 0, ['[legacy.labels]'] = { 'a', 'b' }, "
                "['[legacy.Tagged.tag]'] = { name = 't' }, ['[legacy.Tagged.mark]'] = { text = 'm' } }") ==
        "id: 1 name: \"x\" [legacy.priority]: 0 [legacy.labels]: \"a\" [legacy.labels]: \"b\" [legacy.Tagged.tag] { "
        "name: "
        "\"t\" } [legacy.Tagged.mark] { text: \"m\" }");
  decode_text("legacy.Old", "id: 1 name: 'x' [legacy.steps]: 3 [legacy.steps]: -4 [legacy.weather_mood]: SAD");
  CHECK(holds("#m['[legacy.steps]'] == 2 and m['[legacy.steps]'][2] == -4 and m['[legacy.weather_mood]'] == 'SAD'"));
  CHECK(holds("m['[legacy.labels]'] == nil and m['[legacy.priority]'] == nil"));
  CHECK(encoded("legacy.Old", "{ id = 1, name = 'x', ['[legacy.prioriti]'] = 1 }") ==
        "legacy.Old: unknown field '[legacy.prioriti]' (did you mean '[legacy.priority]'?)");
}
