// Which message a reply answers, and how its key is found in the bytes.
#include "correlation.h"

#include <string>

#include "catch.h"
#include "field_path.h"
#include "lgen/schema.h"

namespace lgen::lua {
namespace {

using namespace std::chrono_literals;

FieldValue number(std::int64_t n) { return {n, ""}; }
/// Taken a millisecond after it was to be sent.
SendTimes at(int ms) {
  return {TimePoint(std::chrono::milliseconds(ms)), TimePoint(std::chrono::milliseconds(ms + 1))};
}

TEST_CASE("a reply is matched by its key, in any order") {
  Correlation waiting(10);
  waiting.sent(number(1), at(1));
  waiting.sent({0, "a"}, at(2));
  waiting.sent(number(2), at(3));
  CHECK(waiting.answered({0, "a"}) == at(2));
  CHECK(waiting.answered(number(2)) == at(3));
  CHECK_FALSE(waiting.answered(number(2)).has_value());
  CHECK_FALSE(waiting.answered(number(7)).has_value());
  CHECK(waiting.unanswered() == 1);
}

TEST_CASE("of equal keys the oldest is answered first") {
  Correlation waiting(10);
  for (int k = 1; k <= 3; ++k) waiting.sent(number(5), at(k));
  for (int k = 1; k <= 3; ++k) CHECK(waiting.answered(number(5)) == at(k));
  CHECK(waiting.unanswered() == 0);
}

TEST_CASE("of too many the oldest is given up") {
  Correlation waiting(1000);
  for (int k = 0; k < 5000; ++k) waiting.sent(number(k % 100), at(k));
  CHECK(waiting.given_up() == 4000);
  CHECK(waiting.answered(number(0)) == at(4000));
  CHECK(waiting.unanswered() == 4999);
}

struct Fixture {
  Fixture() {
    ProtoFiles sources;
    sources.files = {LGEN_TEST_DATA "/correlate.proto"};
    schema = std::move(Schema::from_files(sources).value());
    plan = *schema->message("correlate.Frame");
  }
  FieldValue read(const FieldPath& path, const std::string& bytes) const {
    FieldValue value{-1, "?"};
    CHECK(path.read(bytes, value));
    return value;
  }
  std::unique_ptr<Schema> schema;
  const MessagePlan* plan;
};

TEST_CASE_METHOD(Fixture, "a field is read out of the bytes, whatever its type and depth") {
  struct Row {
    const char* path;
    std::string bytes;
    FieldValue value;
  };
  const std::string minus_one = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
  const Row rows[] = {
      {"id", "\x08\x07", number(7)},
      {"id", "", number(0)},
      {"id", "\x08" + minus_one, number(-1)},
      {"id", "\x12\x01x\x08\x07\x08\x09", number(9)},  // the last one counts
      {"name", "\x12\x03xyz", {0, "xyz"}},
      {"header.trace", "\x1a\x04\x0a\x02hi", {0, "hi"}},
      {"header.trace", "\x1a\x04\x0a\x02hi\x1a\x02\x10\x05", {0, "hi"}},  // a message in two parts
      {"header.zig", "\x1a\x02\x10\x05", number(-3)},
      {"header.fixed", std::string("\x1a\x05\x1d\xff\xff\xff\xff", 7), number(4294967295)},
      {"header.sfixed", std::string("\x1a\x09\x21\xfe\xff\xff\xff\xff\xff\xff\xff", 11), number(-2)},
      {"kind", "\x20\x01", number(1)},
      {"yes", "\x28\x01", number(1)},
  };
  for (const Row& row : rows) {
    INFO(row.path);
    const auto path = FieldPath::make(*plan, row.path);
    REQUIRE(path);
    CHECK((read(*path, row.bytes) == row.value));
  }
}

TEST_CASE_METHOD(Fixture, "bytes that are no message have no key") {
  const auto path = FieldPath::make(*plan, "header.trace");
  FieldValue value;
  for (const char* bytes : {"\x1a\x7f", "\x0f", "\x1a\x02\x0a\x05", "\xff"}) {
    INFO(bytes);
    CHECK_FALSE(path->read(bytes, value));
  }
}

TEST_CASE_METHOD(Fixture, "a path that leads nowhere is refused with what there is") {
  const std::pair<const char*, const char*> rows[] = {
      {"idd", "correlate.Frame has no field 'idd' (did you mean 'id'?)"},
      {"", "correlate.Frame has no field '' (it has: id, name, header, kind, yes, list, ratio)"},
      {"header",
       "correlate.Frame.header is correlate.Header: messages are told apart by an integer, an enum, a bool, "
       "a string or bytes"},
      {"header.", "correlate.Header has no field '' (it has: trace, zig, fixed, sfixed)"},
      {"id.x", "correlate.Frame.id is int64: only a single message can be in the middle of a path"},
      {"list",
       "correlate.Frame.list is list of int32: messages are told apart by an integer, an enum, a bool, a "
       "string or bytes"},
      {"ratio",
       "correlate.Frame.ratio is double: messages are told apart by an integer, an enum, a bool, a string or "
       "bytes"},
  };
  for (const auto& [path, message] : rows) {
    const auto found = FieldPath::make(*plan, path);
    REQUIRE_FALSE(found);
    CHECK(found.error().message == message);
  }
}

}  // namespace
}  // namespace lgen::lua
