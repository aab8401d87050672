// The compiled form of a message type: everything reading and writing it needs, looked up once and not per message.
//
// Thread: immutable once a Schema has handed it out.
// Lifetime: owned by its Schema; the pointers between plans stay inside that Schema.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lgen {

struct MessagePlan;
class PlanCompiler;

enum class FieldKind : std::uint8_t {
  double_,
  float_,
  int32,
  int64,
  uint32,
  uint64,
  sint32,
  sint64,
  fixed32,
  fixed64,
  sfixed32,
  sfixed64,
  boolean,
  string,
  bytes,
  enumeration,
  message,
  group,
};

/// The word of the .proto language: "int32", "string", "message".
std::string_view to_string(FieldKind kind);

enum class FieldShape : std::uint8_t { single, list, map };

enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, start_group = 3, end_group = 4, fixed32 = 5 };

/// How sources and sinks that know the well-known types show a message. The wire is that of an ordinary message.
enum class MessageForm : std::uint8_t {
  plain,      // by its fields
  bare,       // its only field stands for it: the wrappers, Struct, ListValue, FieldMask
  timestamp,  // a number of seconds since 1970
  duration,   // a number of seconds
  value,      // google.protobuf.Value: null, number, text, boolean, list or map
  any,        // the message inside, with its type
};

/// An enum type. Where two names share a number (allow_alias), reading gives the name declared first.
struct EnumPlan {
  struct Value {
    std::string name;
    std::int32_t number = 0;
    std::uint32_t key = 0;  // see FieldPlan::key
  };

  std::string name;                            // full, "pkg.Color"
  std::vector<Value> values;                   // as declared, never empty
  std::vector<std::uint32_t> order_by_name;    // indices into values, sorted
  std::vector<std::uint32_t> order_by_number;  // indices into values, sorted, aliases left out

  const Value* find(std::string_view value_name) const;
  const Value* find(std::int32_t number) const;
};

struct FieldPlan {
  // What the hot path reads comes first.
  std::array<std::uint8_t, 5> tag{};  // as written: of a packed list the tag of its one length-delimited record
  std::uint8_t tag_size = 0;
  FieldKind kind = FieldKind::int32;
  FieldShape shape = FieldShape::single;
  WireType wire_type = WireType::varint;  // of one element
  bool packed = false;                    // how a list is written; both ways are read
  bool presence = false;     // absent is told from default: optional, oneof, message, proto2, extensions (lists, too)
  bool simple = false;       // one scalar, in no oneof and with no closed enum: read without a detour
  bool required = false;     // proto2
  bool check_utf8 = false;   // reading: proto3 strings
  bool closed_enum = false;  // proto2: unknown numbers are no values of this field
  bool map_key = false;      // the key of a map's entry
  std::int16_t oneof = -1;   // index into MessagePlan::oneofs
  std::uint32_t key = 0;     // running number of this name in the process, for tables of names
  std::uint32_t number = 0;
  const MessagePlan* message = nullptr;   // message, group; of a map the entry: fields[0] key, fields[1] value
  const EnumPlan* enumeration = nullptr;  // enumeration
  std::string name;                       // of an extension "[pkg.name]"

  bool is_message() const { return kind == FieldKind::message || kind == FieldKind::group; }

  /// What an author reads in an error message: "int32", "pkg.Color", "list of string", "map of string to int64".
  std::string type_name() const;
};

/// The members of one oneof, which always stand side by side: fields[first] .. fields[first + count - 1].
struct OneofPlan {
  std::string name;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

struct MessagePlan {
  static constexpr std::size_t kMaxFields = 16384;  // a type with more is refused when its plan is made
  static constexpr std::uint32_t kNoField = 0xffffffff;

  std::string name;               // full, "streaming.TextRequest"
  std::vector<FieldPlan> fields;  // as declared, then extensions; synthetic oneofs of proto3's `optional` are left out
  std::vector<OneofPlan> oneofs;
  MessageForm form = MessageForm::plain;
  PlanCompiler* types = nullptr;    // of Any: where the type of what is inside is looked up
  std::uint32_t key = 0;            // the first of key_count() running numbers of its own; counted with FieldPlan::key
  bool has_required = false;        // one of its own fields is required
  std::uint32_t always_filled = 0;  // number of fields that a decoded message always has

  /// Field numbers below the size of this table lead straight to an index into fields (kNoField: unknown) ...
  std::vector<std::uint32_t> index_of_number;
  /// ... greater ones are found here, sorted by number.
  std::vector<std::uint32_t> far_fields;

  const FieldPlan* find(std::string_view field_name) const;

  /// Numbers from `key` on that are left to users of the plan, for what they keep by it: three, and one a 16 fields.
  std::uint32_t key_count() const { return 3 + static_cast<std::uint32_t>(fields.size() / 16); }

  /// Index into fields, or kNoField.
  std::uint32_t find_number(std::uint32_t number) const {
    return number < index_of_number.size() ? index_of_number[number] : find_far(number);
  }

  /// Names of all fields, for did-you-mean.
  std::vector<std::string_view> field_names() const;

 private:
  std::uint32_t find_far(std::uint32_t number) const;
};

/// What an Any with that type URL holds ("type.googleapis.com/pkg.Type"); null when the schema does not have the type
/// or the URL has no slash. Compiles the type when it is first met.
const MessagePlan* type_inside(const MessagePlan& any, std::string_view type_url);

}  // namespace lgen
