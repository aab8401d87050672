// Messages to protobuf wire bytes and back, by compiled plans, from and into anything that models a message.
//
// A *source* is a cursor over a message somewhere (a Lua table): the encoder moves it and asks for values. It writes
// backwards, the last field first, because a sub-message's length precedes it and is known only afterwards; so one pass
// is enough and nothing is computed twice. A *sink* is a small stack machine: the decoder pushes messages, lists and
// values and says where they belong. Both are template parameters, so that a value goes from its home to the wire
// without a call that is not inlined.
//
// Strict in both directions: what a source hands over must fit the type; bytes are refused where they are truncated,
// where a varint is over-long, where a known field comes with another wire type than its own, where a proto3 string is
// no UTF-8, where messages nest deeper than kMaxNesting. Unknown fields are passed over; the last of several values of
// a field wins, sub-messages merge, lists append, packed or not.
// Subtleness: where a sub-message comes in several pieces, each piece must hold its required fields (proto2).
//
// Thread: no state of its own. Lifetime: nothing is kept after the call; encoder and decoder have no destructors, so a
// source or sink may leave by longjmp (Lua out of memory).
#pragma once

#include <bit>
#include <concepts>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "lgen/message_plan.h"
#include "lgen/wire.h"

namespace lgen {

/// What the encoder asks of a source. "At hand" is the value the cursor is on. After a false the source is not used
/// any more, but for describe_entry.
template <class S>
concept MessageSource = requires(S s, const MessagePlan& plan, const FieldPlan& field, Fault& fault, std::size_t n,
                                 std::int32_t& i32, std::int64_t& i64, std::uint32_t& u32, std::uint64_t& u64,
                                 float& f32, double& f64, bool& flag, std::string_view& text) {
  { S::kFirstIndex } -> std::convertible_to<std::size_t>;  // how its users count list items
  { s.enter(plan, fault) } -> std::same_as<bool>;          // the value at hand has to be such a message
  { s.leave(plan, n, fault) } -> std::same_as<bool>;       // n fields were found: complain of any other
  { s.select(field) } -> std::same_as<bool>;               // the field's value comes to hand; false: absent
  s.release();                                             // back from a field, an item, an entry's value
  { s.list_size(field, n, fault) } -> std::same_as<bool>;  // the value at hand has to be a list
  { s.select_item(n, fault) } -> std::same_as<bool>;       // item n (from 0) comes to hand
  { s.enter_map(field, fault) } -> std::same_as<bool>;     // the value at hand has to be a map
  { s.next_entry() } -> std::same_as<bool>;  // next entry's value at hand, after release() its key; false: map again
  { s.position() } -> std::same_as<std::size_t>;         // of the entry at hand, for:
  { s.describe_entry(n, fault) } -> std::same_as<bool>;  // calls fault.in_entry with that entry's key
  { s.get(field, i32, fault) } -> std::same_as<bool>;
  { s.get(field, i64, fault) } -> std::same_as<bool>;
  { s.get(field, u32, fault) } -> std::same_as<bool>;
  { s.get(field, u64, fault) } -> std::same_as<bool>;
  { s.get(field, f32, fault) } -> std::same_as<bool>;
  { s.get(field, f64, fault) } -> std::same_as<bool>;
  { s.get(field, flag, fault) } -> std::same_as<bool>;
  { s.get(field, text, fault) } -> std::same_as<bool>;  // string (UTF-8 is checked by the encoder), bytes
  { s.get_enum(field, i32, fault) } -> std::same_as<bool>;
};

/// What the decoder asks of a sink: a stack on which begin_message, begin_list, begin_map and put each leave one value,
/// which the next end_... stores in the container below it.
template <class S>
concept MessageSink = requires(S s, const MessagePlan& plan, const FieldPlan& field, std::size_t n, std::int32_t i32,
                               std::int64_t i64, std::uint32_t u32, std::uint64_t u64, float f32, double f64, bool flag,
                               std::string_view text) {
  { S::kFirstIndex } -> std::convertible_to<std::size_t>;
  s.begin_message(plan);                              // an empty one
  { s.resume_message(field) } -> std::same_as<bool>;  // the one stored in that field; false: none, no change
  s.begin_field(field);                               // the next value is for that field of the message on top
  s.end_field(field);                                 // ... store it
  s.clear_field(field);
  s.begin_list(field, flag);                       // true: a new one; false: the one stored there
  { s.list_size() } -> std::same_as<std::size_t>;  // of the list on top
  s.end_item(n);                                   // store as item n (from 0)
  s.end_list(field);
  s.begin_map(field, flag);  // as begin_list; then for each entry a key, a value and
  s.end_entry();             // ... store the two
  s.end_map(field);
  s.put_empty(field);  // an empty list or map
  s.put(field, i32);
  s.put(field, i64);
  s.put(field, u32);
  s.put(field, u64);
  s.put(field, f32);
  s.put(field, f64);
  s.put(field, flag);
  s.put(field, text);
  s.put_enum(field, i32);
};

/// The smallest valid message of a type: empty, or with zero in its required fields.
Result<std::string> smallest_message(const MessagePlan& plan);

template <MessageSource Source>
class Encoder {
 public:
  Encoder(Source& source, WireBuffer& out, Fault& fault) : source_(source), out_(out), fault_(fault) {}

  /// Writes the message at hand in front of what `out` holds.
  bool message(const MessagePlan& plan, int nesting);

 private:
  bool field(const FieldPlan& field, int nesting);
  bool single(const FieldPlan& field, int nesting);
  bool list(const FieldPlan& field, int nesting);
  bool map(const FieldPlan& field, int nesting);
  bool entry(const FieldPlan& field, int nesting);
  bool value(const FieldPlan& field, int nesting);
  bool sub_message(const FieldPlan& field, int nesting);
  bool text(const FieldPlan& field);
  bool two_members(const FieldPlan& one, const FieldPlan& other, const MessagePlan& plan);

  template <class T>
  bool get(const FieldPlan& field, T& value) {
    return source_.get(field, value, fault_);
  }

  Source& source_;
  WireBuffer& out_;
  Fault& fault_;
};

template <MessageSink Sink>
class Decoder {
 public:
  Decoder(Sink& sink, Fault& fault) : sink_(sink), fault_(fault) {}

  /// Leaves the message on the sink's stack.
  bool root(const MessagePlan& plan, std::string_view bytes);

 private:
  /// One message being read: which of its fields have been stored. Only the words that the plan needs are touched.
  struct Level {
    const MessagePlan& plan;
    const FieldPlan* group;  // the field whose end tag ends it; nullptr: ends with its bytes
    bool fresh;              // false: more of a message that has been read before
    std::uint64_t stored[MessagePlan::kMaxFields / 64];

    Level(const MessagePlan& p, const FieldPlan* end, bool is_fresh) : plan(p), group(end), fresh(is_fresh) {
      std::memset(stored, 0, (plan.fields.size() + 63) / 64 * sizeof(std::uint64_t));
    }
    bool has(std::uint32_t index) const { return (stored[index / 64] >> (index % 64) & 1) != 0; }
    void mark(std::uint32_t index) { stored[index / 64] |= 1ULL << (index % 64); }
    bool first_time(std::uint32_t index) const { return fresh && !has(index); }
  };

  bool message(const MessagePlan& plan, WireReader& in, const FieldPlan* group, bool fresh, int nesting);
  bool fields(Level& level, WireReader& in, int nesting);
  bool field(Level& level, std::uint32_t index, WireType type, WireReader& in, int nesting);
  bool single(Level& level, std::uint32_t index, WireReader& in, int nesting);
  bool closed_enum(Level& level, std::uint32_t index, WireReader& in);
  void clear_other_members(Level& level, std::uint32_t index);
  bool sub_message(const FieldPlan& field, WireReader& in, bool fresh, int nesting);
  bool list(const FieldPlan& field, bool first, WireType type, WireReader& in, int nesting);
  bool packed_items(const FieldPlan& field, WireReader& in, std::size_t& size);
  bool item(const FieldPlan& field, WireReader& in, std::size_t& size, int nesting);
  bool map(const FieldPlan& field, bool first, WireReader& in, int nesting);
  bool entry(const FieldPlan& field, WireReader& in, int nesting);
  bool entry_value(const FieldPlan& value, std::optional<WireReader> at, std::string_view whole, int nesting);
  bool entry_message(const FieldPlan& value, std::string_view entry, int nesting);
  bool scalar(const FieldPlan& field, WireReader& in);
  bool text(const FieldPlan& field, WireReader& in);
  bool varint(const FieldPlan& field, WireReader& in);
  bool fixed(const FieldPlan& field, WireReader& in);
  bool fill_absent(Level& level);
  void put_default(const FieldPlan& field);

  bool broken(const WireReader& in) { return fault_.fail(in.problem()); }
  bool mismatch(const FieldPlan& field, WireType type);

  Sink& sink_;
  Fault& fault_;
};

template <MessageSource Source>
bool encode_message(const MessagePlan& plan, Source& source, WireBuffer& out, Fault& fault) {
  return Encoder<Source>(source, out, fault).message(plan, 0) || fault.in_message(plan);
}

template <MessageSink Sink>
bool decode_message(const MessagePlan& plan, std::string_view bytes, Sink& sink, Fault& fault) {
  return Decoder<Sink>(sink, fault).root(plan, bytes) || fault.in_message(plan);
}

}  // namespace lgen

#include "lgen/decoder_impl.h"  // IWYU pragma: export
#include "lgen/encoder_impl.h"  // IWYU pragma: export
