#include "lgen/message_json.h"

#include <google/protobuf/util/json_util.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "folder.h"
#include "protobuf_fixtures.h"

using namespace lgen;
using lgen::test::Folder;

namespace {

constexpr EmbeddedFile kShop[] = {{"proto/shop.proto", R"(
syntax = "proto3";
package shop;
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
enum Size { SMALL = 0; LARGE = 1; }
message Part { string part_name = 1; int32 count = 2; repeated Part parts = 3; }
message Order {
  int64 id = 1;
  string note = 2;
  bytes blob = 3;
  Size size = 4;
  repeated int32 numbers = 5;
  Part part = 6;
  map<string, Part> by_name = 7;
  oneof choice { string word = 8; int32 number = 9; }
  google.protobuf.Timestamp at = 10;
  google.protobuf.Any extra = 11;
  repeated Part parts = 12;
  bool end = 13;
  map<int32, Size> sizes = 14;
}
message Known {
  google.protobuf.Duration took = 1;
  google.protobuf.FieldMask mask = 2;
  google.protobuf.Struct object = 3;
  google.protobuf.Value value = 4;
  google.protobuf.ListValue list = 5;
  google.protobuf.StringValue word = 6;
  google.protobuf.UInt64Value big = 7;
  google.protobuf.Empty nothing = 8;
}
)"}};

std::unique_ptr<Schema> load(ProtoFiles sources) {
  auto schema = Schema::from_files(sources);
  INFO((schema.ok() ? "" : schema.error().message));
  REQUIRE(schema.ok());
  return *std::move(schema);
}

std::unique_ptr<Schema> shop() { return load({{"shop.proto"}, {}, "/", kShop}); }
std::unique_ptr<Schema> all_kinds() { return load({{"codec/everything.proto"}, {LGEN_TEST_DATA}, "/", {}}); }

std::string failure(const Result<std::string>& result) { return result ? "" : result.error().message; }

/// There and back.
std::string echo(const MessageText& texts, const std::string& type, const std::string& text) {
  const auto wire = texts.to_wire(type, text);
  INFO(failure(wire));
  REQUIRE(wire.ok());
  const auto back = texts.from_wire(type, *wire);
  INFO(failure(back));
  REQUIRE(back.ok());
  return *back;
}

}  // namespace

TEST_CASE("JSON is read with either kind of field name and printed in lower camel case", "[json]") {
  const auto schema = shop();
  const MessageText texts(*schema);
  CHECK(echo(texts, "shop.Part", R"({"part_name": "a", "count": 2})") ==
        "{\n  \"partName\": \"a\",\n  \"count\": 2\n}");
  CHECK(echo(texts, "shop.Part", R"({"partName": "two\nlines"})") == "{\n  \"partName\": \"two\\nlines\"\n}");
  CHECK(echo(texts, "shop.Part", "{}") == "{}");
  CHECK(echo(texts, "shop.Order", R"({"id": "9007199254740993", "at": "2020-01-02T03:04:05Z", "parts": [{}, {}]})") ==
        "{\n  \"id\": \"9007199254740993\",\n  \"at\": \"2020-01-02T03:04:05Z\",\n  \"parts\": [\n    {},\n    {}\n  "
        "]\n}");
}

TEST_CASE("defaults are printed when they are asked for", "[json]") {
  const auto schema = shop();
  const MessageText texts(*schema, {.emit_defaults = true});
  CHECK(echo(texts, "shop.Part", "{}") == "{\n  \"partName\": \"\",\n  \"count\": 0,\n  \"parts\": []\n}");
}

TEST_CASE("JSON that does not fit names the path of the field, and what would fit", "[json]") {
  const auto schema = shop();
  const MessageText texts(*schema);
  const auto [json, message] = GENERATE(table<std::string, std::string>({
      {R"({"nots": 1})", "shop.Order has no field 'nots' (did you mean 'note'?)"},
      {R"({"part": {"xyzzy": 1}})", "part: shop.Part has no field 'xyzzy' (it has: partName, count, parts)"},
      {R"({"parts": [{}, {"count": "many"}]})", "parts[1].count: \"many\" is no int32"},
      {R"({"numbers": [1, 3000000000]})", "numbers[1]: 3000000000 is no int32"},
      {R"({"byName": {"k": {"count": 1.5}}})", "by_name[\"k\"].count: 1.5 is no int32"},
      {R"({"size": "HUGE"})", "size: enum shop.Size has no value \"HUGE\" (it has: SMALL, LARGE)"},
      {R"({"size": "LARG"})", "size: enum shop.Size has no value \"LARG\" (did you mean 'LARGE'?)"},
      {R"({"blob": "*"})", "blob: \"*\" is no bytes in base64"},
      {R"({"id": [1]})", "id: a list, but the field is not repeated"},
      {R"({"part": 5})", "part: 5 is no shop.Part"},
      {R"({"id": {}})", "id: an object is no int64"},
      {R"({"word": "a", "number": 1})", "choice: one of word, number is expected, got word and number"},
      {R"({"word": "a", "word": "b"})", "word: the field is given twice"},
      {R"({"part": {"count": 1, "count": 1}})", "part.count: the field is given twice"},
      {R"({"parts": [{}, {"partName": "a", "part_name": "b"}]})",
       "parts[1].part_name: the field is given twice, as partName and part_name"},
      {R"({"numbers": [1, null, 2]})", "numbers[1]: int32 expected, got null"},
      {R"({"numbers": [[1]]})", "numbers[0]: int32 expected, got [1]"},
      {R"({"numbers": 3})", "numbers: list of int32 (an array) expected, got 3"},
      {R"({"parts": {"count": 1}})", "parts: list of shop.Part (an array) expected, got {\"count\":1}"},
      {R"({"parts": [null]})", "parts[0]: shop.Part expected, got null"},
      {R"({"byName": {"k": null}})", "by_name[\"k\"]: shop.Part expected, got null"},
      {R"({"byName": {"k": {"parts": [null]}}})", "by_name[\"k\"].parts[0]: shop.Part expected, got null"},
      {R"({"note": []})", "note: a list, but the field is not repeated"},
      {R"({"part": [{}]})", "part: a list, but the field is not repeated"},
      {R"({"extra": {"@type": "x/shop.Part", "parts": [null]}})", "extra.parts[0]: shop.Part expected, got null"},
      {R"({"part": {"parts": [{}, {"count": 1e400}]}})", "part.parts[1].count: 1e400 is larger than any number can be"},
      {R"({"at": "soon"})", "at: \"soon\" is no google.protobuf.Timestamp; write \"2020-01-02T03:04:05Z\""},
      {R"({"at": 5})", "at: 5 is no google.protobuf.Timestamp; write \"2020-01-02T03:04:05Z\""},
      {R"({"sizes": {"1": "SMALL", "x": "SMALL"}})", "sizes[\"x\"]: the key \"x\" is no int32"},
      {R"({"sizes": {"1": "SMALL", "2": "HUGE"}})",
       "sizes[\"2\"]: enum shop.Size has no value \"HUGE\" (it has: SMALL, LARGE)"},
      {R"({"sizes": {"1": ["SMALL"]}})", "sizes[\"1\"]: a list, but a map has one value for each key"},
      {R"({"sizes": [1]})", "sizes: a list, but a map is written as {...}"},
      {R"({"numbers": [1, {}]})", "numbers: an object is no int32"},
      {R"({"parts": [{"count": {}}]})", "parts[0].count: an object is no int32"},
      {R"({"sizes": 5})", "sizes: 5 is no object"},
      {R"({"byName": {"a.b": {}, "c": {"parts": [{}, {"x": 1}]}}})",
       "by_name[\"c\"].parts[1]: shop.Part has no field 'x' (it has: partName, count, parts)"},
      {R"({"byName": {"a": {}, "b": {}, "b": {}}})", "by_name[\"b\"]: the key is given twice"},
      {R"({"extra": {"a": 1}})", "extra: \"@type\" is missing"},
      {R"({"extra": {"@type": "x/shop.Prt"}})", "extra: no message type is known for \"@type\": \"x/shop.Prt\""},
      {R"({"extra": {"@type": "x/shop.Part", "count": "y"}})", "inside of an Any: count: \"y\" is no int32"},
      {R"({"extra": {"@type": "type.googleapis.com/google.protobuf.Timestamp", "value": "y"}})",
       "inside of an Any: its value does not fit its \"@type\""},
      {R"({"": 1})", "a field without a name"},
      {"[1]", "a message is written as {...}"},
      {"5", "a message is written as {...}"},
      {"{", "no JSON: line 1, column 2: object key - unexpected end of input; expected string literal"},
      {"{note: 1}",
       "no JSON: line 1, column 3: object key - invalid literal; last read: '{no'; expected string literal"},
  }));
  CAPTURE(json);
  CHECK(failure(texts.to_wire("shop.Order", json)) == message);
}

TEST_CASE("null stands for a field that is left out, and for itself where a type has it", "[json]") {
  const auto schema = shop();
  const MessageText texts(*schema);
  CHECK(echo(texts, "shop.Order", R"({"id": null, "numbers": null, "part": null, "byName": null, "at": null})") ==
        "{}");
  const std::string json = "{\n  \"value\": null,\n  \"list\": [\n    null,\n    [\n      1\n    ]\n  ]\n}";
  CHECK(echo(texts, "shop.Known", json) == json);
}

TEST_CASE("a known type that does not fit is named with how it is written", "[json]") {
  const auto schema = shop();
  const MessageText texts(*schema);
  const auto [json, message] = GENERATE(table<std::string, std::string>({
      {R"({"took": "5"})", "took: \"5\" is no google.protobuf.Duration; write \"1.5s\""},
      {R"({"took": 5})", "took: 5 is no google.protobuf.Duration; write \"1.5s\""},
      {R"({"took": "999999999999999s"})", "took: \"999999999999999s\" is out of google.protobuf.Duration's range"},
      {R"({"mask": 5})", "mask: 5 is no google.protobuf.FieldMask; write \"name,address.street\""},
      {R"({"mask": "a b"})", "mask: \"a b\" is no google.protobuf.FieldMask; write \"name,address.street\""},
      {R"({"object": "x"})", "object: \"x\" is no google.protobuf.Struct"},
      {R"({"word": 5})", "word: 5 is no string"},
      {R"({"big": -1})", "big: -1 is no uint64"},
      {R"({"object": {"a": 1, "a": 2}})", "object.a: the field is given twice"},
      {R"({"nothing": {"a": 1}})", "nothing: google.protobuf.Empty has no field 'a' (it has none)"},
  }));
  CAPTURE(json);
  CHECK(failure(texts.to_wire("shop.Known", json)) == message);
}

TEST_CASE("a required field that is missing is named with the others of its message", "[json]") {
  const auto schema = all_kinds();
  CHECK(failure(MessageText(*schema).to_wire("everything.Root", R"({"old": {"id": 1}})")) ==
        "old: a required field is missing (legacy.Old needs id, name)");
}

TEST_CASE("groups are messages in JSON, there and back", "[json]") {
  const auto schema = all_kinds();
  const MessageText texts(*schema);
  const std::string json = R"({
  "id": 1,
  "name": "n",
  "pair": {
    "left": "x",
    "right": "-5"
  },
  "item": [
    {
      "count": 1
    },
    {
      "count": 2,
      "old": {
        "id": 2,
        "name": "m",
        "box": {
          "content": "eA=="
        }
      }
    }
  ]
})";
  CHECK(echo(texts, "legacy.Old", json) == json);
  const MessageText in_text(*schema, {.format = MessageFormat::text});
  const std::string text = "id: 1\nname: \"n\"\nPair {\n  left: \"x\"\n  right: -5\n}\nItem {\n  count: 1\n}";
  CHECK(echo(in_text, "legacy.Old", text) == text);
  CHECK(*texts.from_wire("legacy.Old", *in_text.to_wire("legacy.Old", text)) ==
        *texts.from_wire("legacy.Old", *texts.to_wire("legacy.Old", R"({"id": 1, "name": "n", "pair": {"left": "x",
                                                                       "right": -5}, "item": [{"count": 1}]})")));
}

TEST_CASE("extensions are printed by their full names and refused as input", "[json]") {
  const auto schema = all_kinds();
  const MessageText texts(*schema);
  const MessageText in_text(*schema, {.format = MessageFormat::text});
  const auto wire = in_text.to_wire("legacy.Old", "id: 1 name: 'n' [legacy.priority]: 7 [legacy.labels]: 'a'");
  REQUIRE(wire.ok());
  CHECK(
      *texts.from_wire("legacy.Old", *wire) ==
      "{\n  \"id\": 1,\n  \"name\": \"n\",\n  \"[legacy.priority]\": 7,\n  \"[legacy.labels]\": [\n    \"a\"\n  ]\n}");
  CHECK(failure(texts.to_wire("legacy.Old", R"({"id": 1, "name": "n", "[legacy.none]": 1})")) ==
        "extensions cannot be given as JSON; use -format text");
}

TEST_CASE("what can be sent can be printed, however deep it is nested", "[json]") {
  const auto schema = shop();
  const MessageText texts(*schema);
  const auto nested = [](int depth, const std::string& open, const std::string& inner, const std::string& close) {
    std::string text = inner;
    for (int i = 0; i < depth; ++i) text = open + text + close;
    return text;
  };
  const auto compact = [](std::string text) {
    std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
    return text;
  };
  const std::string parts = nested(99, R"({"parts":[)", R"({"count":1})", "]}");  // 100 objects
  CHECK(compact(echo(texts, "shop.Part", parts)) == parts);
  const std::string object = R"({"object":)" + nested(99, R"({"a":)", "1", "}") + "}";
  CHECK(compact(echo(texts, "shop.Known", object)) == object);
  CHECK(failure(texts.to_wire("shop.Part", nested(100, R"({"parts":[)", R"({"count":1})", "]}"))) ==
        "objects are nested more than 100 deep; use -format text");
  CHECK(failure(texts.to_wire("shop.Known", R"({"list":)" + nested(400, "[", "", "]") + "}")) ==
        "nested more than 500 messages deep");

  const MessageText in_text(*schema, {.format = MessageFormat::text});
  const auto deep = [&](int depth) { return *in_text.to_wire("shop.Part", nested(depth, "parts{", "", "}")); };
  CHECK(compact(*texts.from_wire("shop.Part", deep(400))) == nested(400, R"({"parts":[)", "{}", "]}"));
  const std::string too_deep = deep(600);
  CHECK(failure(texts.from_wire("shop.Part", too_deep)) ==
        std::to_string(too_deep.size()) + " bytes that are no shop.Part, or nested more than 500 deep");
}

TEST_CASE("every reply can be printed, also what has no JSON of its own", "[json]") {
  const auto schema = shop();
  const MessageText texts(*schema);
  const auto [wire, json] = GENERATE(table<std::string, std::string>({
      {std::string("\x0a\x06\x08\x80\x80\x80\x80\x80\x80", 8), ""},                         // cut off
      {"\x0a\x07\x08\xff\xff\xff\xff\xff\x7f", R"({"took":{"seconds":"4398046511103"}})"},  // out of range
      {"\x1a\x05\x0a\x03\x0a\x01k", R"({"object":{"k":null}})"},                            // a Value without a kind
      {"\x32\x04\x0a\x02\xc2\x85", R"({"word":"\u0085"})"},                                 // a control character
  }));
  CAPTURE(wire);
  const auto text = texts.from_wire("shop.Known", wire);
  std::string compact = text ? *text : "";
  std::erase_if(compact, [](char c) { return c == ' ' || c == '\n'; });
  CHECK(compact == json);
}

TEST_CASE("what the library can print is printed alike", "[json]") {
  const auto schema = all_kinds();
  const bool defaults = GENERATE(false, true);
  const MessageText texts(*schema, {.emit_defaults = defaults});
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = defaults;
  const google::protobuf::LogSilencer no_warnings;  // of what it cannot print
  test::RandomMessages random(7);
  int compared = 0;
  for (const std::string type : {"Scalars", "Optionals", "Lists", "Maps", "Choices", "WellKnown", "Root.Nested"}) {
    for (int run = test::property_runs(200); run > 0; --run) {
      const auto message = test::make_message("everything." + type);
      random.fill(*message);
      const auto* roots = message->GetDescriptor()->FindFieldByName("roots");  // groups in them
      if (roots != nullptr) message->GetReflection()->ClearField(message.get(), roots);
      std::string expected;
      if (!google::protobuf::util::MessageToJsonString(*message, &expected, options).ok()) continue;  // an unknown Any
      ++compared;
      const auto printed = texts.from_wire("everything." + type, message->SerializePartialAsString());
      REQUIRE(printed.ok());
      CAPTURE(type);
      REQUIRE(nlohmann::json::diff(nlohmann::json::parse(expected), nlohmann::json::parse(*printed)).dump() == "[]");
    }
  }
  CHECK(compared > test::property_runs(200) * 6);
}

TEST_CASE("the keys of a map are printed in their order", "[json]") {
  const auto schema = shop();
  const MessageText texts(*schema);
  CHECK(echo(texts, "shop.Order", R"({"sizes": {"10": "SMALL", "-1": "LARGE", "9": 7}})") ==
        "{\n  \"sizes\": {\n    \"-1\": \"LARGE\",\n    \"9\": 7,\n    \"10\": \"SMALL\"\n  }\n}");
}

TEST_CASE("unknown fields are skipped when that is asked for", "[json]") {
  const auto schema = shop();
  CHECK(echo(MessageText(*schema, {.allow_unknown_fields = true}), "shop.Part", R"({"nope": {"a": 1}, "count": 1})") ==
        "{\n  \"count\": 1\n}");
  CHECK(echo(MessageText(*schema, {.format = MessageFormat::text, .allow_unknown_fields = true}), "shop.Part",
             "nope: 1 count: 1") == "count: 1");
}

TEST_CASE("the text format says line and column of what is wrong", "[json]") {
  const auto schema = shop();
  const MessageText texts(*schema, {.format = MessageFormat::text});
  CHECK(echo(texts, "shop.Part", "part_name: 'é' parts { count: 1 }") == "part_name: \"é\"\nparts {\n  count: 1\n}");
  CHECK(failure(texts.to_wire("shop.Part", "count: 1\nnope: 2")) ==
        "line 2, column 5: Message type \"shop.Part\" has no field named \"nope\".");
}

TEST_CASE("an Any is shown by its type, or by its bytes when nobody knows the type", "[json]") {
  const auto schema = shop();
  const MessageText texts(*schema);
  const std::string known = R"({"extra": {"@type": "type.googleapis.com/shop.Part", "count": 1}})";
  CHECK(echo(texts, "shop.Order", known) ==
        "{\n  \"extra\": {\n    \"@type\": \"type.googleapis.com/shop.Part\",\n    \"count\": 1\n  }\n}");
  const std::string wire = "\x5a\x0b\x0a\x05x/a.B\x12\x02hi";  // extra: type_url, value
  const auto text = texts.from_wire("shop.Order", wire);
  REQUIRE(text.ok());
  CHECK(*text == "{\n  \"extra\": {\n    \"@type\": \"x/a.B\",\n    \"@value\": \"aGk=\"\n  }\n}");
  CHECK(failure(texts.to_wire("shop.Order", R"({"extra": {"@type": "x/a.B"}})")).find("a.B") != std::string::npos);
  CHECK(failure(texts.to_wire("shop.Order", R"({"extra": {"@type": "x/shop.Part", "nope": 1}})")) ==
        "inside of an Any: no such field 'nope'");
}

TEST_CASE("bytes that are no message are an error", "[json]") {
  const auto schema = shop();
  const MessageText texts(*schema);
  CHECK(failure(texts.from_wire("shop.Part", "\x0a\x7f")) == "2 bytes that are no shop.Part");
  CHECK(failure(texts.from_wire("shop.Prt", "")) == "no message type 'shop.Prt'");
}

TEST_CASE("error details are shown by the public types without being in the schema", "[json]") {
  const auto schema = shop();
  const MessageText texts(*schema);
  // google.rpc.Status{code 5, message "m", details [RetryInfo{retry_delay 1.5s}]}
  const std::string url = "type.googleapis.com/google.rpc.RetryInfo";
  const std::string delay("\x0a\x07\x08\x01\x10\x80\xca\xb5\xee\x01", 10);
  const std::string retry = delay.substr(0, 1) + std::string(1, '\x08') + delay.substr(2);
  const std::string any =
      std::string("\x0a") + static_cast<char>(url.size()) + url + "\x12" + static_cast<char>(retry.size()) + retry;
  const std::string status = std::string("\x08\x05\x12\x01m\x1a", 6) + static_cast<char>(any.size()) + any;
  const std::vector<std::string> details = texts.status_details(status);
  REQUIRE(details.size() == 1);
  CHECK(details[0] == "{\n  \"@type\": \"type.googleapis.com/google.rpc.RetryInfo\",\n  \"retryDelay\": \"1.500s\"\n}");
  CHECK(texts.status(5, "m", "") == "{\n  \"code\": 5,\n  \"message\": \"m\"\n}");
  CHECK(texts.status(5, "m", status).find("retryDelay") != std::string::npos);
  CHECK(texts.status_details("").empty());
  CHECK(texts.status_details("\xff").empty());
}

TEST_CASE("all public error details are known", "[json]") {
  const auto schema = shop();
  const MessageText texts(*schema);
  const auto [name, body] = GENERATE(table<std::string, std::string>({
      {"ErrorInfo", R"("reason": "r", "domain": "d", "metadata": {"k": "v"})"},
      {"DebugInfo", R"("stackEntries": ["a"], "detail": "d")"},
      {"QuotaFailure", R"("violations": [{"subject": "s", "description": "d"}])"},
      {"PreconditionFailure", R"("violations": [{"type": "t", "subject": "s", "description": "d"}])"},
      {"BadRequest", R"("fieldViolations": [{"field": "f", "description": "d", "reason": "R"}])"},
      {"RequestInfo", R"("requestId": "i", "servingData": "d")"},
      {"ResourceInfo", R"("resourceType": "t", "resourceName": "n", "owner": "o", "description": "d")"},
      {"Help", R"("links": [{"description": "d", "url": "u"}])"},
      {"LocalizedMessage", R"("locale": "en", "message": "m")"},
  }));
  const std::string detail = R"({"@type": "type.googleapis.com/google.rpc.)" + name + "\", " + body + "}";
  const auto status = texts.to_wire("google.rpc.Status", R"({"code": 3, "details": [)" + detail + "]}");
  INFO(failure(status));
  REQUIRE(status.ok());
  std::string printed = texts.status_details(*status).at(0);
  std::string expected = detail;
  for (std::string* text : {&printed, &expected}) std::erase_if(*text, [](char c) { return c == ' ' || c == '\n'; });
  CHECK(printed == expected);
}

TEST_CASE("a JSON template and a text template are messages themselves", "[json]") {
  for (const auto& schema : {shop(), all_kinds()}) {
    for (const std::string& type : schema->messages()) {
      CAPTURE(type);
      const auto json = message_template(*schema, type, TemplateSyntax::json);
      const auto text = message_template(*schema, type, TemplateSyntax::text);
      REQUIRE((json.ok() && text.ok()));
      CAPTURE(*json, *text);
      if (type.starts_with("google.protobuf.")) continue;
      // What comes round is left empty, also where it has required fields.
      const std::string problem = failure(MessageText(*schema).to_wire(type, *json));
      CHECK((problem.empty() || problem.find("a required field is missing") != std::string::npos));
      CHECK(MessageText(*schema, {.format = MessageFormat::text}).to_wire(type, *text).ok() == problem.empty());
    }
  }
}

TEST_CASE("templates in three notations", "[json]") {
  const auto schema = shop();
  CHECK(*message_template(*schema, "shop.Part", TemplateSyntax::json) ==
        "{\n  \"partName\": \"\",\n  \"count\": 0,\n  \"parts\": []\n}");
  CHECK(*message_template(*schema, "shop.Part", TemplateSyntax::text) == "part_name: \"\"\ncount: 0\nparts {}");
  CHECK(*message_template(*schema, "shop.Order", TemplateSyntax::lua) ==
        R"({
  id = 0,
  note = "",
  blob = "",
  size = "SMALL", -- SMALL, LARGE
  numbers = { 0 },
  part = {
    part_name = "",
    count = 0,
    parts = {},
  },
  by_name = {
    [""] = {
      part_name = "",
      count = 0,
      parts = {},
    }
  },
  word = "", -- or number
  at = 0,
  extra = { ["@type"] = "type.googleapis.com/google.protobuf.Empty" },
  parts = {
    {
      part_name = "",
      count = 0,
      parts = {},
    }
  },
  ["end"] = false,
  sizes = { [0] = "SMALL" },
})");
  CHECK(failure(message_template(*schema, "shop.Ordr", TemplateSyntax::lua)) ==
        "no message type 'shop.Ordr' (did you mean 'shop.Order'?)");
}

TEST_CASE("a template shows the defaults that the .proto file declares", "[json]") {
  constexpr EmbeddedFile kOld[] = {{"proto/old.proto", R"(
syntax = "proto2";
enum Size { SMALL = 0; LARGE = 1; }
message Old {
  optional int32 number = 1 [default = 7];
  optional string text = 2 [default = "a\"b\n"];
  optional bytes blob = 3 [default = "\001x"];
  optional Size size = 4 [default = LARGE];
  optional bool on = 5 [default = true];
  optional double all = 6 [default = inf];
  optional int64 far = 7 [default = -9007199254740993];
  optional uint64 big = 8 [default = 18446744073709551615];
  optional float half = 9 [default = 0.5];
}
)"}};
  const auto schema = load({{"old.proto"}, {}, "/", kOld});
  CHECK(*message_template(*schema, "Old", TemplateSyntax::json) ==
        R"({
  "number": 7,
  "text": "a\"b\n",
  "blob": "AXg=",
  "size": "LARGE",
  "on": true,
  "all": "Infinity",
  "far": "-9007199254740993",
  "big": "18446744073709551615",
  "half": 0.5
})");
  CHECK(*message_template(*schema, "Old", TemplateSyntax::lua) ==
        R"({
  number = 7,
  text = "a\"b\010",
  blob = "\001x",
  size = "LARGE", -- SMALL, LARGE
  on = true,
  all = math.huge,
  far = -9007199254740993LL,
  big = 18446744073709551615ULL,
  half = 0.5,
})");
  CHECK(*message_template(*schema, "Old", TemplateSyntax::text) ==
        R"(number: 7
text: "a\"b\n"
blob: "\001x"
size: LARGE
on: true
all: inf
far: -9007199254740993
big: 18446744073709551615
half: 0.5)");
}
