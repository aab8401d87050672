#include "lgen/codec.h"

#include <vector>

#include "catch.h"
#include "lgen/schema.h"
#include "protobuf_fixtures.h"
#include "reflection_codec.h"

using namespace lgen;
using namespace lgen::test;

namespace {

const char* const kTypes[] = {"everything.Scalars", "everything.Optionals", "everything.Lists", "everything.Maps",
                              "everything.Choices", "everything.WellKnown", "everything.Root",  "legacy.Old",
                              "legacy.Needs",       "everything.Wide",      "everything.Vast"};

constexpr int kRunsForAHundredThousand = 100000 / static_cast<int>(std::size(kTypes)) + 1;

struct Fixture {
  Fixture() {
    auto loaded = Schema::from_files({{"codec/everything.proto"}, {}, LGEN_TEST_DATA, {}});
    REQUIRE(loaded.ok());
    schema = *std::move(loaded);
  }

  const MessagePlan& plan(const std::string& type) { return **schema->message(type); }

  /// Our reader's message, or null and the fault's text.
  MessagePtr read(const std::string& type, std::string_view bytes, std::string* why = nullptr) {
    ReflectionSink sink;
    Fault fault;
    const bool ok = decode_message(plan(type), bytes, sink, fault);
    if (!ok && why != nullptr) *why = fault.text();
    return ok ? sink.take() : nullptr;
  }

  std::string write(const pb::Message& message) {
    ReflectionSource source(message);
    Fault fault;
    out.clear();
    const bool ok = encode_message(plan(message.GetDescriptor()->full_name()), source, out, fault);
    INFO(fault.text());
    REQUIRE(ok);
    return std::string(out.view());
  }

  std::unique_ptr<Schema> schema;
  WireBuffer out;
};

/// A Root inside a Root inside ...: `depth` sub-messages.
std::string nested_roots(int depth) { return nested_in('\x32', depth, ""); }

}  // namespace

TEST_CASE_METHOD(Fixture, "what the library writes, the codec reads, and the other way round", "[codec]") {
  RandomMessages random(1);
  for (int run = 0; run < property_runs(kRunsForAHundredThousand); ++run) {
    for (const char* type : kTypes) {
      MessagePtr original = make_message(type);
      random.fill(*original);
      const std::string bytes = original->SerializeAsString();
      const std::string expected = canonical(*original);
      std::string why;
      MessagePtr ours = read(type, bytes, &why);
      CAPTURE(run, type, why);
      REQUIRE(ours != nullptr);
      REQUIRE(canonical(*ours) == expected);

      MessagePtr theirs = make_message(type);
      REQUIRE(theirs->ParseFromString(write(*original)));
      REQUIRE(canonical(*theirs) == expected);
    }
  }
}

TEST_CASE_METHOD(Fixture, "messages written one behind the other merge as the library merges them", "[codec]") {
  RandomMessages random(2);
  for (int run = 0; run < property_runs(200); ++run) {
    for (const char* type : kTypes) {
      MessagePtr one = make_message(type);
      MessagePtr two = make_message(type);
      random.fill(*one);
      random.fill(*two);
      const std::string bytes = one->SerializeAsString() + two->SerializeAsString();
      MessagePtr merged = make_message(type);
      REQUIRE(merged->ParseFromString(bytes));
      MessagePtr ours = read(type, bytes);
      CAPTURE(run, type);
      REQUIRE(ours != nullptr);
      REQUIRE(canonical(*ours) == canonical(*merged));
    }
  }
}

TEST_CASE_METHOD(Fixture, "damaged bytes are refused or read as the library reads them", "[codec]") {
  const pb::LogSilencer quiet;
  RandomMessages random(4);
  int refused = 0;
  int accepted = 0;
  for (int run = 0; run < property_runs(3000); ++run) {
    const char* type = kTypes[run % std::size(kTypes)];
    MessagePtr original = make_message(type);
    random.fill(*original, 2);
    std::string bytes = original->SerializeAsString();
    for (int n = 1 + random.below(3); n > 0; --n) bytes = mutated(bytes, random);
    MessagePtr theirs = make_message(type);
    const bool valid = theirs->ParseFromString(bytes);
    MessagePtr ours = read(type, bytes);
    CAPTURE(run, type);
    ++(ours == nullptr ? refused : accepted);
    if (ours == nullptr) continue;  // stricter is fine: see the table of faults
    REQUIRE(valid);
    REQUIRE(canonical(*ours) == canonical(*theirs));
  }
  CHECK(refused > 0);
  CHECK(accepted > 0);
}

TEST_CASE_METHOD(Fixture, "a message cut off at any byte is refused, or read as the library reads it", "[codec]") {
  const pb::LogSilencer quiet;
  RandomMessages random(5);
  int refused = 0;
  for (int run = 0; run < property_runs(10); ++run) {
    for (const char* type : kTypes) {
      MessagePtr original = make_message(type);
      random.fill(*original, 2);
      const std::string bytes = original->SerializeAsString();
      for (std::size_t size = 0; size < bytes.size(); ++size) {
        CAPTURE(run, type, size);
        MessagePtr theirs = make_message(type);
        const bool valid = theirs->ParseFromString(bytes.substr(0, size));
        std::string why;
        MessagePtr ours = read(type, bytes.substr(0, size), &why);
        REQUIRE((ours != nullptr) == valid);
        if (valid) REQUIRE((canonical(*ours) == canonical(*theirs)));
        if (!valid) REQUIRE(why.starts_with(type));
        refused += valid ? 0 : 1;
      }
    }
  }
  CHECK(refused > 0);
}

TEST_CASE_METHOD(Fixture, "malformed bytes are refused with the field they were found in", "[codec]") {
  struct Row {
    const char* scenario;
    const char* type;
    std::string bytes;
    const char* fault;
  };
  const Row rows[] = {
      {"tag cut off", "everything.Scalars", bytes_of({0x80}),
       "everything.Scalars: the message ends in the middle of a value"},
      {"field number 0", "everything.Scalars", bytes_of({0x00, 0x01}),
       "everything.Scalars: a tag without a valid field number"},
      {"tag of more than 32 bits", "everything.Scalars", bytes_of({0x80, 0x80, 0x80, 0x80, 0x80, 0x01}),
       "everything.Scalars: a tag without a valid field number"},
      {"tag of six bytes", "everything.Scalars", bytes_of({0x98, 0x80, 0x80, 0x80, 0x80, 0x00, 0x01}),
       "everything.Scalars: a tag without a valid field number"},
      {"length of six bytes", "everything.Scalars", bytes_of({0x72, 0x81, 0x80, 0x80, 0x80, 0x80, 0x00, 'x'}),
       "everything.Scalars.a_string: a length of more than 5 bytes"},
      {"wire type 6", "everything.Scalars", bytes_of({0x0E}),
       "everything.Scalars: a tag with a wire type that does not exist"},
      {"wire type 7 of an unknown field", "everything.Scalars", bytes_of({0xFF, 0x07}),
       "everything.Scalars: a tag with a wire type that does not exist"},
      {"varint cut off", "everything.Scalars", bytes_of({0x18, 0xFF, 0xFF}),
       "everything.Scalars.an_int32: the message ends in the middle of a value"},
      {"varint of eleven bytes", "everything.Scalars",
       bytes_of({0x18, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}),
       "everything.Scalars.an_int32: a varint of more than 64 bits"},
      {"varint of 65 bits", "everything.Scalars",
       bytes_of({0x18, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02}),
       "everything.Scalars.an_int32: a varint of more than 64 bits"},
      {"8 bytes cut off", "everything.Scalars", bytes_of({0x09, 0, 0, 0, 0, 0, 0, 0}),
       "everything.Scalars.a_double: the message ends in the middle of a value"},
      {"4 bytes cut off", "everything.Scalars", bytes_of({0x15, 0, 0, 0}),
       "everything.Scalars.a_float: the message ends in the middle of a value"},
      {"string longer than the message", "everything.Scalars", bytes_of({0x72, 0x03, 'a', 'b'}),
       "everything.Scalars.a_string: the message ends in the middle of a value"},
      {"string of 2^64-1 bytes", "everything.Scalars",
       bytes_of({0x72, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}),
       "everything.Scalars.a_string: the message ends in the middle of a value"},
      {"string that is no UTF-8", "everything.Scalars", bytes_of({0x72, 0x02, 0xC3, 0x28}),
       "everything.Scalars.a_string: the string is not valid UTF-8"},
      {"another wire type than the field's", "everything.Scalars", bytes_of({0x1A, 0x01, 'x'}),
       "everything.Scalars.an_int32: int32 expected, got length and bytes on the wire; does the .proto file fit the "
       "peer?"},
      {"inside a sub-message", "everything.Root", bytes_of({0x0A, 0x02, 0x18, 0x80}),
       "everything.Root.scalars.an_int32: the message ends in the middle of a value"},
      {"inside a list of messages", "everything.Lists", bytes_of({0x8A, 0x01, 0x00, 0x8A, 0x01, 0x01, 0x09}),
       "everything.Lists.messages[1].a_double: the message ends in the middle of a value"},
      {"inside a packed list", "everything.Lists", bytes_of({0x1A, 0x03, 0x01, 0x02, 0x80}),
       "everything.Lists.int32s[2]: the message ends in the middle of a value"},
      {"packed list of half an item", "everything.Lists", bytes_of({0x0A, 0x04, 0, 0, 0, 0}),
       "everything.Lists.doubles[0]: the message ends in the middle of a value"},
      {"string where a list of numbers may be packed", "everything.Lists", bytes_of({0x1D, 0, 0, 0, 0}),
       "everything.Lists.int32s: list of int32 expected, got 4 bytes on the wire; does the .proto file fit the peer?"},
      {"inside a map's entry", "everything.Maps", bytes_of({0x0A, 0x04, 0x0A, 0x01, 'k', 0x10}),
       "everything.Maps.by_string: the message ends in the middle of a value"},
      {"map key that is no UTF-8", "everything.Maps", bytes_of({0x0A, 0x03, 0x0A, 0x01, 0xFF}),
       "everything.Maps.by_string: key: the string is not valid UTF-8"},
      {"map key that is no UTF-8, another behind it", "everything.Maps",
       bytes_of({0x0A, 6, 0x0A, 1, 0xFF, 0x0A, 1, 'k'}), "everything.Maps.by_string: the string is not valid UTF-8"},
      {"map value of another wire type", "everything.Maps", bytes_of({0x0A, 0x05, 0x15, 0, 0, 0, 0}),
       "everything.Maps.by_string: int32 expected, got 4 bytes on the wire; does the .proto file fit the peer?"},
      {"end of a group without a beginning", "everything.Scalars", bytes_of({0x0C}),
       "everything.Scalars: end of a group that was not begun"},
      {"unknown group that does not end", "everything.Scalars", bytes_of({0xA3, 0x06, 0x08, 0x01}),
       "everything.Scalars: the message ends inside a group"},
      {"unknown group with another's end", "everything.Scalars", bytes_of({0xA3, 0x06, 0xAC, 0x06}),
       "everything.Scalars: end of a group that was not begun"},
      {"known group that does not end", "legacy.Old", bytes_of({0x08, 1, 0x12, 0, 0x3B, 0x0A, 0x00}),
       "legacy.Old.pair: the message ends inside a group"},
      {"known group with another's end", "legacy.Old", bytes_of({0x08, 1, 0x12, 0, 0x3B, 0x44}),
       "legacy.Old.pair: end of a group that was not begun"},
      {"group where a message is expected", "everything.Root", bytes_of({0x0B, 0x0C}),
       "everything.Root.scalars: everything.Scalars expected, got a group on the wire; does the .proto file fit the "
       "peer?"},
      {"message where a group is expected", "legacy.Old", bytes_of({0x08, 1, 0x12, 0, 0x3A, 0}),
       "legacy.Old.pair: legacy.Old.Pair expected, got length and bytes on the wire; does the .proto file fit the "
       "peer?"},
      {"message of 2^63 bytes", "everything.Root",
       bytes_of({0x0A, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}),
       "everything.Root.scalars: the message ends in the middle of a value"},
      {"packed list of 4 GiB", "everything.Lists", bytes_of({0x1A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F}),
       "everything.Lists.int32s[0]: the message ends in the middle of a value"},
      {"unknown field of 4 GiB", "everything.Lists", bytes_of({0xA2, 0x06, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F}),
       "everything.Lists: the message ends in the middle of a value"},
      {"over-long varint of an unknown field", "everything.Scalars",
       bytes_of({0xA0, 0x06, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}),
       "everything.Scalars: a varint of more than 64 bits"},
      {"over-long length", "everything.Scalars",
       bytes_of({0x72, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}),
       "everything.Scalars.a_string: a varint of more than 64 bits"},
      {"another wire type than the extension's", "legacy.Old", bytes_of({0x08, 1, 0x12, 0, 0xA2, 6, 0}),
       "legacy.Old.[legacy.priority]: int32 expected, got length and bytes on the wire; does the .proto file fit the "
       "peer?"},
      {"required field missing", "legacy.Old", bytes_of({0x08, 0x01}), "legacy.Old.name: required field is missing"},
      {"required field missing below", "legacy.Needs", bytes_of({0x0A, 0x02, 0x08, 0x01, 0x10, 0x01}),
       "legacy.Needs.old.name: required field is missing"},
      {"required enum with a number it does not have", "legacy.Needs",
       bytes_of({0x0A, 0x04, 0x08, 0x01, 0x12, 0x00, 0x10, 0x09}), "legacy.Needs.mood: required field is missing"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.scenario);
    std::string why;
    CHECK(read(row.type, row.bytes, &why) == nullptr);
    CHECK(why == row.fault);
  }
}

TEST_CASE_METHOD(Fixture, "unusual but valid bytes are read", "[codec]") {
  const pb::LogSilencer quiet;
  struct Row {
    const char* scenario;
    const char* type;
    std::string bytes;
  };
  const Row rows[] = {
      {"nothing at all", "everything.Root", ""},
      {"a longer varint than needed", "everything.Scalars", bytes_of({0x18, 0x85, 0x80, 0x00})},
      {"an int32 with more than 32 bits", "everything.Scalars", bytes_of({0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F})},
      {"a bool of 200", "everything.Scalars", bytes_of({0x68, 0xC8, 0x01})},
      {"an enum number without a name", "everything.Scalars", bytes_of({0x80, 0x01, 0x63})},
      {"unpacked where packed is declared", "everything.Lists", bytes_of({0x18, 1, 0x18, 2, 0x1A, 2, 3, 4, 0x18, 5})},
      {"packed where unpacked is declared", "everything.Lists",
       bytes_of({0x90, 1, 1, 0x92, 1, 2, 2, 3, 0x90, 1, 4, 0x92, 1, 0})},
      {"a list in pieces", "everything.Lists", bytes_of({0x1A, 1, 1, 0x72, 1, 'x', 0x1A, 1, 2})},
      {"a map's entry without key and value", "everything.Maps", bytes_of({0x0A, 0x00})},
      {"a map's entry back to front", "everything.Maps", bytes_of({0x0A, 5, 0x10, 7, 0x0A, 1, 'k'})},
      {"a key twice in a map", "everything.Maps",
       bytes_of({0x0A, 5, 0x0A, 1, 'k', 0x10, 1, 0x0A, 5, 0x0A, 1, 'k', 0x10, 2})},
      {"key and value twice in an entry", "everything.Maps",
       bytes_of({0x0A, 10, 0x0A, 1, 'a', 0x10, 1, 0x0A, 1, 'b', 0x10, 2})},
      {"a map's message in two pieces", "everything.Maps",
       bytes_of({0x3A, 10, 0x08, 2, 0x12, 2, 0x18, 1, 0x12, 2, 0x20, 2})},
      {"an unknown field in an entry", "everything.Maps", bytes_of({0x0A, 7, 0x0A, 1, 'k', 0x78, 1, 0x10, 1})},
      {"two members of a oneof: the last stays", "everything.Choices", bytes_of({0x10, 1, 0x1A, 1, 'x'})},
      {"a oneof's message in two pieces", "everything.Choices", bytes_of({0x22, 2, 0x18, 1, 0x22, 2, 0x20, 2})},
      {"a oneof's message, another member, the message again", "everything.Choices",
       bytes_of({0x22, 2, 0x18, 1, 0x10, 1, 0x22, 2, 0x20, 2})},
      {"unknown fields of all wire types", "everything.Choices",
       bytes_of({0xA0, 6,    0xFF, 1, 0xA1, 6, 1, 2,    3, 4,    5, 6,    7,    8,    0xA2, 6,    1,
                 'x',  0xA5, 6,    1, 2,    3, 4, 0xA3, 6, 0x08, 1, 0x13, 0x14, 0xA4, 6,    0x10, 3})},
      {"a closed enum's unknown number after a known one", "legacy.Needs",
       bytes_of({0x0A, 4, 0x08, 1, 0x12, 0, 0x10, 1, 0x10, 9})},
      {"unknown numbers in lists of a closed enum", "legacy.Old",
       bytes_of({0x08, 1, 0x12, 0, 0x28, 1, 0x28, 9, 0x28, 2, 0x32, 3, 1, 9, 2})},
      {"an unknown number in a map of a closed enum", "legacy.Old",
       bytes_of({0x08, 1, 0x12, 0, 0x4A, 5, 0x0A, 1, 'k', 0x10, 9, 0x4A, 5, 0x0A, 1, 'l', 0x10, 3})},
      {"an unknown number in a oneof of a closed enum", "legacy.Old",
       bytes_of({0x08, 1, 0x12, 0, 0x52, 1, 'w', 0x60, 9})},
      {"proto2 strings need not be UTF-8", "legacy.Old", bytes_of({0x08, 1, 0x12, 1, 0xFF})},
      {"an extension", "legacy.Old", bytes_of({0x08, 1, 0x12, 0, 0xA0, 6, 1})},
      {"an extension that no file has", "legacy.Old", bytes_of({0x08, 1, 0x12, 0, 0xF0, 9, 1})},
  };
  for (const Row& row : rows) {
    CAPTURE(row.scenario);
    MessagePtr theirs = make_message(row.type);
    REQUIRE(theirs->ParseFromString(row.bytes));
    std::string why;
    MessagePtr ours = read(row.type, row.bytes, &why);
    CAPTURE(why);
    REQUIRE(ours != nullptr);
    CHECK(canonical(*ours) == canonical(*theirs));
  }
}

TEST_CASE_METHOD(Fixture, "a hundred levels of nesting are read and written, a hundred and one are not", "[codec]") {
  MessagePtr deep = make_message("everything.Root");
  REQUIRE(deep->ParseFromString(nested_roots(100)));
  CHECK(read("everything.Root", nested_roots(100)) != nullptr);
  CHECK(write(*deep) == nested_roots(100));

  std::string why;
  MessagePtr refused = make_message("everything.Root");
  CHECK_FALSE(refused->ParseFromString(nested_roots(101)));
  CHECK(read("everything.Root", nested_roots(101), &why) == nullptr);
  CHECK(why.ends_with(".root.root: nested deeper than 100 messages"));

  // Of unknown groups, too.
  std::string groups;
  for (int i = 0; i < 101; ++i) groups += "\xA3\x06";  // field 100
  CHECK(read("everything.Scalars", groups, &why) == nullptr);
  CHECK(why == "everything.Scalars: groups nested deeper than 100");
}

TEST_CASE_METHOD(Fixture, "fields without presence are left out when they hold their default", "[codec]") {
  MessagePtr message = make_message("everything.Optionals");
  const pb::Descriptor* type = message->GetDescriptor();
  message->GetReflection()->SetInt32(message.get(), type->FindFieldByName("an_int32"), 0);
  CHECK(write(*message) == bytes_of({0x18, 0}));
  message->GetReflection()->MutableMessage(message.get(), type->FindFieldByName("a_message"));
  CHECK(write(*message) == bytes_of({0x18, 0, 0x8A, 1, 0}));
}

TEST_CASE_METHOD(Fixture, "the smallest message of a type can be read", "[codec]") {
  CHECK(*smallest_message(plan("everything.Root")) == "");
  const std::string bytes = *smallest_message(plan("legacy.Needs"));
  CHECK(bytes == bytes_of({0x0A, 4, 0x08, 0, 0x12, 0, 0x10, 1}));
  CHECK(make_message("legacy.Needs")->ParseFromString(bytes));
}

TEST_CASE("UTF-8 is valid in its shortest form, without surrogates, up to U+10FFFF", "[codec]") {
  struct Row {
    const char* scenario;
    std::string text;
    bool valid;
  };
  const Row rows[] = {
      {"empty", "", true},
      {"ASCII of more than a word", "sixteen letters.", true},
      {"a zero byte", std::string("a\0b", 3), true},
      {"two bytes", "\xC2\x80", true},
      {"three bytes", "\xE0\xA0\x80\xEF\xBF\xBF", true},
      {"four bytes", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", true},
      {"behind a word of ASCII", "12345678\xC3\xA4", true},
      {"lone continuation", "\x80", false},
      {"overlong slash", "\xC0\xAF", false},
      {"overlong, three bytes", "\xE0\x9F\xBF", false},
      {"overlong, four bytes", "\xF0\x8F\xBF\xBF", false},
      {"surrogate", "\xED\xA0\x80", false},
      {"above U+10FFFF", "\xF4\x90\x80\x80", false},
      {"five bytes", "\xF8\x88\x80\x80\x80", false},
      {"cut off", "\xE2\x82", false},
      {"cut off by ASCII",
       "\xE2\x82"
       "a",
       false},
      {"in the middle of a word",
       "1234\xFF"
       "678",
       false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.scenario);
    CHECK(is_utf8(row.text) == row.valid);
  }
}

TEST_CASE("the write buffer grows to the front and keeps its memory", "[codec]") {
  WireBuffer out;
  CHECK(out.view().empty());
  out.put_bytes("end");
  const std::string big(100000, 'x');
  out.put_bytes(big);
  out.put_varint(300);
  CHECK(out.view() == "\xAC\x02" + big + "end");
  out.rewind(3);
  CHECK(out.view() == "end");
  out.clear();
  CHECK(out.size() == 0);
  CHECK(out.zero_since(0));
}

TEST_CASE("a fault keeps the end of a path that is too long", "[codec]") {
  Fault fault;
  FieldPlan field;
  field.name = "a_rather_long_name_of_a_field";
  fault.fail("broken");
  for (int i = 0; i < 100; ++i) fault.in_field(field);
  CHECK(std::string(fault.text()).ends_with(".a_rather_long_name_of_a_field.a_rather_long_name_of_a_field: broken"));
  CHECK(fault.text().size() == 600);
}
